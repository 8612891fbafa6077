import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REMOTE_STATES, RUN_STATES, type ClaimedRun } from './run.js';
import { aRun, at } from './run.fixture.js';
import { hintsOf, stepDelayMs, sweepDelayMs } from './sweep.js';

const POLICY = { baseMs: 5_000, maxMs: 60_000 };
const FIXED = { baseMs: 600_000, maxMs: 600_000 };
const running = { remoteState: 'running', state: 'active', externalId: 'x' } as const;
const listed = (state: (typeof REMOTE_STATES)[number] | undefined) => [{ externalId: 'x', seen: { state } }];

describe('what a list says of a run', () => {
  it.each<[string, Partial<ClaimedRun>, ReturnType<typeof listed>, boolean]>([
    ['the same', running, listed('running'), true],
    ['an older state', running, listed('starting'), true],
    ['a newer state', { ...running, remoteState: 'starting' }, listed('running'), false],
    ['its first state', { ...running, remoteState: null }, listed('submitted'), false],
    ['its end', running, listed('succeeded'), false],
    ['a word that we do not know', running, listed(undefined), false],
    ['nothing', running, [], false],
    ['that it is there again', { ...running, missingCount: 1 }, listed('running'), false],
    ['the same of one that is to stop', { ...running, state: 'cancelling' }, listed('running'), true],
  ])('%s: as known %s', (_, run, list, isKnown) => {
    const { id } = aRun();
    expect(hintsOf([aRun(run)], list)).toEqual({
      asKnown: isKnown ? [id] : [],
      toLookAt: isKnown ? [] : [id],
    });
  });
});

describe('the time to the next sweep', () => {
  const old = { ...running, startedAt: at(-2_000), runningSince: at(-2_000) };
  it.each<[string, Partial<ClaimedRun>[], typeof POLICY, number | undefined]>([
    ['no runs', [], POLICY, undefined],
    ['one that runs for long', [old], POLICY, 40_000],
    ['a young one beside it', [old, { ...running, remoteState: null, startedAt: at(0) }], POLICY, 5_000],
    ['one that is to stop', [old, { ...old, state: 'cancelling' }], POLICY, 5_000],
    ['one that must stop soon has a step of its own', [{ ...old, maxRuntimeSeconds: 2_001 }], POLICY, 40_000],
    ['the configuration file says how often', [old], FIXED, 600_000],
  ])('%s', (_, runs, policy, expected) => {
    expect(sweepDelayMs(runs.map(aRun), at(0), policy, 0.5)).toBe(expected);
  });
});

describe('the time to the next step of its own', () => {
  const swept = { isSwept: true, logsEveryMs: null, cancelAgainMs: 30_000 };
  const young = { ...running, startedAt: at(0), runningSince: at(0), lookedAt: at(0) };
  it.each<
    [string, Partial<ClaimedRun>, Partial<typeof swept> | { logsEveryMs: number }, typeof POLICY, number]
  >([
    ['without sweeps', young, { isSwept: false }, POLICY, 5_000],
    [
      'without sweeps, to stop',
      { ...young, state: 'cancelling' },
      { isSwept: false, cancelAgainMs: 50 },
      POLICY,
      50,
    ],
    ['with sweeps', young, {}, POLICY, 300_000],
    ['as a look was a while ago', { ...young, lookedAt: at(-100) }, {}, POLICY, 200_000],
    ['for its output', young, { logsEveryMs: 7_000 }, POLICY, 7_000],
    [
      'for its output, as seldom as looks',
      { ...young, runningSince: at(-2_000) },
      { logsEveryMs: 7_000 },
      POLICY,
      40_000,
    ],
    ['to send a cancel again', { ...young, state: 'cancelling' }, {}, POLICY, 30_000],
    ['to be stopped', { ...young, maxRuntimeSeconds: 9 }, {}, POLICY, 9_000],
    ['as the configuration file says', young, {}, FIXED, 600_000],
  ])('%s', (_, run, needs, policy, expected) => {
    expect(stepDelayMs(aRun(run), at(0), policy, { ...swept, ...needs }, 0.5)).toBe(expected);
  });

  it('is a time to wait, whatever the run', () => {
    const moment = fc.option(fc.integer({ min: -1e6, max: 1e6 }).map(at));
    const run = fc.record({
      state: fc.constantFrom(...RUN_STATES),
      remoteState: fc.constantFrom(null, ...REMOTE_STATES),
      lookedAt: moment,
      runningSince: moment,
      maxRuntimeSeconds: fc.option(fc.integer({ min: 1, max: 1e6 })),
    });
    fc.assert(
      fc.property(run, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (given, isSwept, random) => {
        const delay = stepDelayMs(aRun(given), at(0), POLICY, { ...swept, isSwept }, random);
        expect(delay).toBeGreaterThanOrEqual(20);
      }),
    );
  });
});
