import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterFailure, mayPass, type EndpointState, type Passage } from './endpoint-gate.js';

const now = new Date('2026-01-01T00:00:00.000Z');
const in_ = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
const limits = { maxConcurrent: 4, maxPerSecond: 20 };
const calm: EndpointState = { failuresInRow: 0, openUntil: null, underWay: 0, tokens: 20, countedAt: now };
const waits = (waitsFor: string, waitSeconds: number) => ({ passes: false, waitsFor, waitSeconds });

describe('the gate before an endpoint', () => {
  it.each<[string, Partial<EndpointState>, object]>([
    ['lets through what is calm', {}, { passes: true, tokens: 19 }],
    ['lets through after four failures', { failuresInRow: 4 }, { passes: true, tokens: 19 }],
    ['is shut while open', { failuresInRow: 5, openUntil: in_(30) }, waits('breaker', 30)],
    ['lets one try when that is over', { failuresInRow: 5, openUntil: now }, { passes: true, tokens: 19 }],
    ['lets only one try', { failuresInRow: 5, openUntil: now, underWay: 1 }, waits('breaker', 1)],
    ['lets four at once', { underWay: 3 }, { passes: true, tokens: 19 }],
    ['lets no fifth at once', { underWay: 4 }, waits('concurrency', 0.5)],
    ['lets the last of a second', { tokens: 1 }, { passes: true, tokens: 0 }],
    ['lets no more in that second', { tokens: 0 }, waits('rate', 0.05)],
    ['waits for the rest of a token', { tokens: 0.5 }, waits('rate', 0.025)],
    ['counts on as time goes', { tokens: 0, countedAt: in_(-0.5) }, { passes: true, tokens: 9 }],
    ['saves no more than a second', { tokens: 0, countedAt: in_(-3_600) }, { passes: true, tokens: 19 }],
    ['takes a clock that went back', { tokens: 2, countedAt: in_(60) }, { passes: true, tokens: 1 }],
  ])('%s', (_, state, passage) => {
    expect(mayPass({ ...calm, ...state }, limits, now, 0)).toEqual(passage);
  });

  it('heeds the limits that it is given', () => {
    const wider = { maxConcurrent: 5, maxPerSecond: 100 };
    expect(mayPass({ ...calm, underWay: 4 }, wider, now, 0).passes).toBe(true);
    expect(mayPass({ ...calm, tokens: 0 }, wider, now, 0)).toEqual(waits('rate', 0.01));
  });

  it('lets through no more than the rate, however they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (gapsMs) => {
        let state: EndpointState = { ...calm, tokens: 0 };
        let ms = now.getTime();
        let passed = 0;
        for (const gap of gapsMs) {
          ms += gap;
          const passage: Passage = mayPass(state, limits, new Date(ms), 0);
          if (!passage.passes) continue;
          passed += 1;
          state = { ...state, tokens: passage.tokens, countedAt: new Date(ms) };
        }
        expect(passed).toBeLessThanOrEqual(((ms - now.getTime()) / 1_000) * limits.maxPerSecond + 1e-6);
      }),
    );
  });
});

describe('the breaker after a failure', () => {
  it.each([
    [0, 0],
    [3, 0],
    [4, 30],
    [5, 60],
    [6, 120],
    [9, 600],
    [1_000, 600],
  ])('that comes after %d', (failuresInRow, openSeconds) => {
    const after = { failuresInRow: failuresInRow + 1, openSeconds };
    expect(afterFailure({ failuresInRow, isOpen: false }, 30)).toEqual(after);
    expect(afterFailure({ failuresInRow, isOpen: true }, 30)).toBeUndefined();
  });
});
