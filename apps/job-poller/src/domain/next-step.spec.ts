import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRun, at } from './run.fixture.js';
import { isLost, isTakenAway, nextStep, remainingMs, settlesInMs } from './next-step.js';
import { RUN_STATES, type ClaimedRun } from './run.js';

const LIMITS = { maxSilenceMs: 3_600_000, cancelAgainMs: 30_000, isSwept: false, awayUntil: null };
const stopped = { stopRequestedAt: at(0), stopReason: 'asked' as const };
const submitted = { submitStartedAt: at(0), fresh: false };
const accepted = { ...submitted, externalId: 'x', startedAt: at(1), lastObservedAt: at(1) };

describe('the next step', () => {
  it.each<[string, Partial<ClaimedRun>, object]>([
    [
      'an intent is submitted',
      { state: 'submitting', submitStartedAt: at(10), fresh: true },
      { kind: 'submit' },
    ],
    [
      'an intent that is to stop ends without a call',
      { state: 'intended', ...stopped },
      { kind: 'end', outcome: 'cancelled' },
    ],
    ['a submit without an answer is looked up', { state: 'submitting', ...submitted }, { kind: 'find' }],
    ['also when it is to stop', { state: 'submitting', ...submitted, ...stopped }, { kind: 'find' }],
    ['a run is looked at', { state: 'active', ...accepted }, { kind: 'poll' }],
    [
      'a run over its time is stopped',
      { state: 'active', ...accepted, runningSince: at(2), maxRuntimeSeconds: 8 },
      { kind: 'cancel', reason: 'max_runtime' },
    ],
    [
      'one that only waits at its provider is not',
      { state: 'active', ...accepted, maxRuntimeSeconds: 1 },
      { kind: 'poll' },
    ],
    [
      'a wish to stop is carried out',
      { state: 'cancelling', ...accepted, ...stopped },
      { kind: 'cancel', reason: 'asked' },
    ],
    [
      'and then looked after',
      { state: 'cancelling', ...accepted, ...stopped, cancelSentAt: at(5) },
      { kind: 'poll' },
    ],
    [
      'and repeated',
      { state: 'cancelling', ...accepted, ...stopped, cancelSentAt: at(-60) },
      { kind: 'cancel', reason: 'asked' },
    ],
    ['a run that is over needs nothing', { state: 'ended' }, { kind: 'nothing' }],
    [
      'silence ends a run',
      { state: 'active', ...accepted, submitStartedAt: at(-9e6), lastObservedAt: at(-9e6) },
      { kind: 'end', outcome: 'lost' },
    ],
    [
      'and a submit that nobody can tell about',
      { state: 'submitting', submitStartedAt: at(-9e6) },
      { kind: 'end', outcome: 'lost' },
    ],
    [
      'what was to stop and is silent, stopped',
      { state: 'cancelling', ...accepted, ...stopped, submitStartedAt: at(-9e6), lastObservedAt: at(-9e6) },
      { kind: 'end', outcome: 'cancelled' },
    ],
  ])('%s', (_, run, expected) => {
    expect(nextStep(aRun(run), at(10), LIMITS)).toMatchObject(expected);
  });

  it.each([
    ['was listed as known, and looked at lately', at(-10), at(-10), 'read'],
    ['was never listed, or otherwise than known', null, at(-10), 'poll'],
    ['was never looked at', at(-10), null, 'poll'],
    ['was looked at long ago', at(-10), at(-240), 'poll'],
    ['was listed long ago', at(-180), at(-10), 'poll'],
  ] as const)('of a run of a swept account that %s', (_, listedAt, lookedAt, kind) => {
    const run = aRun({ state: 'active', ...accepted, listedAt, lookedAt });
    expect(nextStep(run, at(0), { ...LIMITS, isSwept: true })).toEqual({ kind });
    expect(nextStep(run, at(0), LIMITS)).toEqual({ kind: 'poll' });
    const stopping = { ...run, state: 'cancelling' as const, ...stopped, cancelSentAt: at(0) };
    expect(nextStep(stopping, at(0), { ...LIMITS, isSwept: true })).toEqual({ kind: 'poll' });
  });

  it.each([
    ['while its provider is away', at(10), 'poll'],
    ['soon after that was away', at(-3_000), 'poll'],
    ['long after', at(-3_600), 'end'],
  ] as const)('silence %s', (_, awayUntil, kind) => {
    const silent = { submitStartedAt: at(-9e6), lastObservedAt: at(-9e6) };
    const limits = { ...LIMITS, awayUntil };
    expect(nextStep(aRun({ state: 'active', ...accepted, ...silent }), at(10), limits).kind).toBe(kind);
    const submitting = nextStep(aRun({ state: 'submitting', ...submitted, ...silent }), at(10), limits);
    expect(submitting.kind).toBe(kind === 'poll' ? 'find' : 'end');
  });

  it('does not cancel where the provider cannot', () => {
    const limits = { ...LIMITS, cancelAgainMs: null };
    expect(nextStep(aRun({ state: 'cancelling', ...accepted, ...stopped }), at(10), limits)).toEqual({
      kind: 'poll',
    });
    expect(
      nextStep(
        aRun({ state: 'active', ...accepted, runningSince: at(1), maxRuntimeSeconds: 1 }),
        at(10),
        limits,
      ),
    ).toEqual({ kind: 'poll' });
  });

  it('submits only what was an intent a moment ago', () => {
    const run = fc.record({
      state: fc.constantFrom(...RUN_STATES),
      stopRequestedAt: fc.constantFrom(null, at(0)),
      submitStartedAt: fc.constantFrom(null, at(-9e6), at(1)),
      lastObservedAt: fc.constantFrom(null, at(-9e6), at(1)),
      externalId: fc.constantFrom(null, 'x'),
    });
    fc.assert(
      fc.property(run, (given) => {
        const { kind } = nextStep(aRun({ ...given, fresh: false }), at(10), LIMITS);
        expect(kind === 'submit').toBe(given.state === 'intended' && given.stopRequestedAt === null);
      }),
    );
  });
});

it.each([
  [29, 1_000],
  [30, 0],
  [31, 0],
])('%i s after its submit "no such run" is believed in %i ms', (seconds, expected) => {
  expect(settlesInMs(aRun({ submitAgeMs: seconds * 1_000 }), 30_000)).toBe(expected);
});

it.each([
  [2, 900, false],
  [3, 599, false],
  [3, 600, true],
])('%i misses over %i s: lost %s', (count, seconds, expected) => {
  expect(isLost({ count, since: at(0) }, at(seconds), 600_000)).toBe(expected);
});

it.each([
  ['a stop that was taken, of a run that was seen', {}, true, true],
  ['a provider that keeps what is stopped', {}, false, false],
  ['a stop that was not taken', { cancelSentAt: null }, true, false],
  ['a run that was never seen: it may only not be there yet', { remoteState: null }, true, false],
])('takes a run that is gone for stopped: %s', (_, more, removes, expected) => {
  const run = aRun({ ...accepted, ...stopped, remoteState: 'running', cancelSentAt: at(5), ...more });
  expect(isTakenAway(run, removes)).toBe(expected);
});

it('counts the time a run may run from when it ran', () => {
  expect(remainingMs(aRun({ maxRuntimeSeconds: 60, startedAt: at(-500) }), at(0))).toBeUndefined();
  expect(remainingMs(aRun({ maxRuntimeSeconds: 60, runningSince: at(-20) }), at(0))).toBe(40_000);
});
