import { describe, expect, it } from 'vitest';
import { simulated } from './simulate.js';
import { sceneOf, type Snapshot } from './snapshot.js';
import { EXACT, snapshotOf } from './snapshot.fixture.js';
import { changed, effectOf, type Change } from './what-if.js';
import { NOW_MS, type QueuedJob } from './world.fixture.js';

const job = (ord: number, userId: number): QueuedJob => ({
  id: `job ${ord}`,
  ord,
  userId,
  teamId: null,
  orgId: userId,
  provider: 'local',
  hardware: 'local',
  gpus: 1,
  band: 20,
  level: 'researcher',
  queuedAtMs: NOW_MS,
  charge: 1,
});
const snapshot = snapshotOf({
  queue: [job(0, 1), job(1, 1), job(2, 1), job(3, 2)],
  quotas: [],
  limits: [],
  running: [],
  used: new Map(),
  nominal: new Map(),
  maxConcurrent: 1,
  userMaxConcurrent: 5,
  guardEvery: 4,
  decisions: 0,
});
const look = (at: Snapshot) => simulated(sceneOf(at, EXACT, 'p50'));
const seconds = (at: Snapshot): string =>
  [...look(at).starts].map(([id, { atMs }]) => `${id.slice(4)}@${(atMs - NOW_MS) / 1_000}`).join(' ');

describe('what if', () => {
  // They take 60, 121, 182 and 243 seconds.
  it.each<[string, Change, string]>([
    ['nothing were changed', {}, '0@0 3@60 1@303 2@424'],
    ['the house had two slots', { maxConcurrent: 2 }, '0@0 3@0 1@60 2@181'],
    [
      'nobody had more than one slot of two',
      { maxConcurrent: 2, userMaxConcurrent: 1 },
      '0@0 3@0 1@60 2@181',
    ],
    [
      'the machines were paused',
      { pool: { kind: 'provider', name: 'local', atMost: 5, isPaused: true } },
      '',
    ],
    ['a person had no slots at all', { quota: { scope: 'user', subject: '1', limit: 0 } }, '3@0'],
    [
      'an organisation had slots of its own',
      { guarantee: { holder: 'org:1', jobs: 0 } },
      '3@0 0@243 1@303 2@424',
    ],
  ])('%s', (_, change, expected) => {
    expect(seconds(changed(snapshot, change))).toBe(expected);
    expect(seconds(snapshot)).toBe('0@0 3@60 1@303 2@424');
  });

  it('takes away what is set', () => {
    const strict = changed(snapshot, {
      quota: { scope: 'user', subject: '1', limit: 0 },
      guarantee: { holder: 'org:1', jobs: 0 },
      pool: { kind: 'provider', name: 'local', atMost: 0, isPaused: false },
    });
    expect(seconds(strict)).toBe('');
    const free = changed(strict, {
      quota: { scope: 'user', subject: '1', limit: null },
      guarantee: { holder: 'org:1', jobs: null },
      pool: { kind: 'provider', name: 'local', atMost: null, isPaused: false },
    });
    expect(seconds(free)).toBe(seconds(snapshot));
  });

  it('sums up who starts earlier and later, and how long all wait', () => {
    const other = changed(snapshot, { guarantee: { holder: 'org:1', jobs: 0 } });
    expect(effectOf(NOW_MS, look(snapshot), look(other))).toEqual({
      startsEarlier: 1,
      startsLater: 1,
      meanWaitSeconds: { now: 197, changed: 243 },
      started: { now: 4, changed: 4 },
    });
    const nobody = changed(snapshot, {
      pool: { kind: 'provider', name: 'local', atMost: 0, isPaused: false },
    });
    expect(effectOf(NOW_MS, look(snapshot), look(nobody))).toMatchObject({
      meanWaitSeconds: { now: null, changed: null },
      started: { now: 4, changed: 0 },
    });
  });
});
