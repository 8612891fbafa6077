import { describe, expect, it } from 'vitest';
import { BANDS, bandName, bandOf } from './band.js';
import { costOf, settledCost } from './price.js';
import { providersOf, repriced } from './providers.js';
import { requestHash } from './request-hash.js';

describe('bands', () => {
  it('go from admins to viewers, high before normal within a level', () => {
    expect(BANDS).toEqual([105, 100, 35, 30, 25, 20, 15, 10]);
    expect(bandName('lead', bandOf('lead', 'high'))).toBe('lead_high');
    expect(bandName('lead', bandOf('lead', 'normal'))).toBe('lead');
  });
});

describe('prices', () => {
  it.each([
    [3.6, 1_000, 1],
    [0, 3_600, 0],
    [1, 1, 0.0003],
    [2, -5, 0],
  ])('%d an hour for %d s is %d', (perHour, seconds, usd) => expect(costOf(perHour, seconds)).toBe(usd));

  it('charges nothing for a run that ended before it started', () => {
    expect(settledCost({ startedAt: new Date(2_000), endedAt: new Date(1_000) }, 10)).toBe(0);
  });
});

describe('request hash', () => {
  it('does not see the order of keys', () => {
    expect(requestHash({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(
      requestHash({ b: { c: [1, 2] }, a: 1 }),
    );
  });
  it.each([[{ a: 1 }], [{ a: '1' }], [{ a: [1] }], [{ b: 1 }], [{ a: null }]])(
    'tells %j from its neighbours',
    (other) => {
      expect(requestHash(other)).not.toBe(requestHash({ a: 2 }));
    },
  );
});

describe('providers', () => {
  const gpu = { gpu: { cost_per_hour_usd: 2 } };
  it('has local where the environment allows it and the configuration does not forbid it', () => {
    expect([...providersOf({}, false).keys()]).toEqual([]);
    expect(providersOf({}, true).get('local')?.hardware).toEqual({ local: { cost_per_hour_usd: 0 } });
    expect([...providersOf({ local: { type: 'local', enabled: false, hardware: {} } }, true).keys()]).toEqual(
      [],
    );
    const enabled = providersOf({ local: { type: 'local', enabled: true, hardware: gpu } }, false);
    expect(Object.keys(enabled.get('local')?.hardware ?? {})).toEqual(['local', 'gpu']);
    expect([
      ...providersOf({ cloud: { type: 'http', enabled: false, hardware: gpu } }, false).keys(),
    ]).toEqual([]);
  });
  it('takes prices that were set over those of the file', () => {
    const provider = { name: 'p', type: 'http' as const, hardware: gpu };
    expect(
      repriced(provider, { gpu: { cost_per_hour_usd: 3 }, tpu: { cost_per_hour_usd: 1 } }).hardware,
    ).toEqual({ gpu: { cost_per_hour_usd: 3 }, tpu: { cost_per_hour_usd: 1 } });
    expect(repriced(provider, undefined)).toBe(provider);
  });
});
