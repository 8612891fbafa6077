import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterFailure, roomAt, type EndpointState } from './endpoint-gate.js';

const now = new Date('2026-01-01T00:00:00.000Z');
const in_ = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
const limits = { maxConcurrent: 4, maxPerSecond: 20 };
const calm: EndpointState = { failuresInRow: 0, openUntil: null, underWay: 0, tokens: 20, countedAt: now };

describe('the gate before an endpoint', () => {
  it.each<[string, Partial<EndpointState>, number, string]>([
    ['lets through what is calm', {}, 4, 'concurrency'],
    ['lets through after four failures', { failuresInRow: 4 }, 4, 'concurrency'],
    ['is shut while open', { failuresInRow: 5, openUntil: in_(30) }, 0, 'breaker'],
    ['lets one try when that is over', { failuresInRow: 5, openUntil: now }, 1, 'breaker'],
    ['lets only one try', { failuresInRow: 5, openUntil: now, underWay: 1 }, 0, 'breaker'],
    ['lets one try where it never was open', { failuresInRow: 5 }, 1, 'breaker'],
    ['lets four at once', { underWay: 3 }, 1, 'concurrency'],
    ['lets no fifth at once', { underWay: 4 }, 0, 'concurrency'],
    ['takes a limit that was lowered meanwhile', { underWay: 9 }, 0, 'concurrency'],
    ['lets the last of a second', { tokens: 1 }, 1, 'rate'],
    ['lets no more in that second', { tokens: 0 }, 0, 'rate'],
    ['waits for the rest of a token', { tokens: 1.5 }, 1, 'rate'],
    ['counts on as time goes', { tokens: 0, countedAt: in_(-0.1) }, 2, 'rate'],
    ['takes a clock that went back', { tokens: 2, countedAt: in_(60) }, 2, 'rate'],
  ])('%s', (_, state, count, reason) => {
    expect(roomAt({ ...calm, ...state }, limits, now)).toMatchObject({ count, beyond: { reason } });
  });

  it.each<[Partial<EndpointState>, number]>([
    [{ tokens: 0 }, 0.05],
    [{ tokens: 0.5 }, 0.025],
    [{ tokens: 2.5 }, 0.025],
  ])('says when one more may pass by the rate: %j', (state, seconds) => {
    expect(roomAt({ ...calm, ...state }, limits, now).beyond).toEqual({ reason: 'rate', seconds });
  });

  it('saves no more than a second', () => {
    expect(roomAt({ ...calm, tokens: 0, countedAt: in_(-3_600) }, limits, now).tokens).toBe(20);
  });

  it('heeds the limits that it is given', () => {
    const wider = { maxConcurrent: 5, maxPerSecond: 100 };
    expect(roomAt({ ...calm, underWay: 4 }, wider, now).count).toBe(1);
    expect(roomAt({ ...calm, tokens: 0 }, wider, now).beyond).toEqual({ reason: 'rate', seconds: 0.01 });
  });

  it('lets through no more than the rate, however they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (gapsMs) => {
        let state: EndpointState = { ...calm, tokens: 0 };
        let ms = now.getTime();
        let passed = 0;
        for (const gap of gapsMs) {
          ms += gap;
          const { count, tokens } = roomAt(state, limits, new Date(ms));
          if (count === 0) continue;
          passed += count;
          state = { ...state, tokens: tokens - count, countedAt: new Date(ms) };
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
