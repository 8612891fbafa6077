import { describe, expect, it } from 'vitest';
import { Calibration, estimate, expectedSeconds, remainingSeconds } from './calibration.js';

const times = (n: number, ratio: number): number[] => Array.from({ length: n }, () => ratio);
const acme = { provider: 'acme', hardware: 'a100' };

describe('what runs take', () => {
  it('is what was estimated, where nothing was measured', () => {
    expect(new Calibration([]).of(acme)).toEqual({ p50: 1, p90: 1.5 });
  });

  it.each([
    ['one run says little', 1, 1.065],
    ['as many as what is believed weighs say half of it', 10, Math.SQRT2],
    ['many say nearly all of it', 990, 1.986],
  ])('%s', (_, runs, p50) => {
    expect(estimate(times(runs, 2), { p50: 1, p90: 1 }).p50).toBeCloseTo(p50, 3);
  });

  it('is of the middle and of the slowest tenth', () => {
    const ratios = Array.from({ length: 1_001 }, (_, n) => 1 + n / 1_000);
    const { p50, p90 } = estimate(ratios.toReversed(), { p50: 1, p90: 1.5 });
    expect(p50).toBeCloseTo(1.5, 1);
    expect(p90).toBeCloseTo(1.9, 1);
  });

  it('is of each kind of machine by itself, of those without runs as in the whole house', () => {
    const slow = { provider: 'acme', hardware: 'h100' };
    const all = new Calibration([
      { ...acme, ratios: times(500, 0.5) },
      { ...slow, ratios: times(500, 3) },
    ]);
    expect(all.of(acme).p50).toBeLessThan(0.6);
    expect(all.of(slow).p50).toBeGreaterThan(2.7);
    const unknown = all.of({ provider: 'umbra', hardware: 'a100' });
    expect(unknown.p50).toBeGreaterThan(all.of(acme).p50);
    expect(unknown.p50).toBeLessThan(all.of(slow).p50);
  });

  it('never is nothing, nor for ever, whatever a clock said', () => {
    const { p50, p90 } = estimate([-5, 0, 1e9], { p50: 1, p90: 1 });
    expect(p50).toBeGreaterThan(0);
    expect(p90).toBeLessThan(1_000);
  });
});

describe('how much longer a run takes', () => {
  const length = { estimatedSeconds: 100, maxSeconds: null };
  it.each([
    ['what is left of what is expected', length, 1.5, 30, 120],
    ['no longer than its provider lets it', { estimatedSeconds: 100, maxSeconds: 110 }, 1.5, 30, 80],
    ['a tenth more, once it is late', length, 1, 200, 20],
    ['but not beyond its end', { estimatedSeconds: 100, maxSeconds: 205 }, 1, 200, 5],
    ['a second at least', length, 0.001, 1, 1],
  ])('%s', (_, of, ratio, elapsed, left) => {
    expect(remainingSeconds(of, ratio, elapsed)).toBeCloseTo(left);
  });

  it('is bounded before it starts, too', () => {
    expect(expectedSeconds({ estimatedSeconds: 100, maxSeconds: 120 }, 2)).toBe(120);
  });
});
