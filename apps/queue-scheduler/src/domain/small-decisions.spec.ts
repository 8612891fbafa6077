import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bandName, bandOf, PRIORITIES } from './band.js';
import { costOf, settledCost } from './price.js';
import { providersOf } from '../line/providers-of.js';
import { priced } from './providers.js';
import { requestHash } from './request-hash.js';

describe('bands', () => {
  it('go from the highest level to the lowest, high before normal within one', () => {
    const bands = [100, 30, 25, 20, 10].flatMap((level) => [bandOf(level, 'high'), bandOf(level, 'normal')]);
    expect(bands).toEqual([201, 200, 61, 60, 51, 50, 41, 40, 21, 20]);
    expect(bandName('lead', 61)).toBe('lead_high');
    expect(bandName('lead', 60)).toBe('lead');
  });

  it('never let "high" jump over a level, however near', () => {
    const level = fc.integer({ min: 1, max: 1_000 });
    const priority = fc.constantFrom(...PRIORITIES);
    fc.assert(
      fc.property(level, priority, level, priority, (a, aPriority, b, bPriority) => {
        if (a > b) expect(bandOf(a, aPriority)).toBeGreaterThan(bandOf(b, bPriority));
        if (a === b) expect(bandOf(a, 'high')).toBeGreaterThan(bandOf(b, 'normal'));
      }),
    );
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
  const cloud = {
    type: 'http' as const,
    enabled: true,
    base_url: 'https://cloud.test',
    submit: { method: 'POST' as const, path: '/runs', external_id: '/id' },
    find: { method: 'GET' as const, path: '/runs', external_id: '/0/id' },
    status: { method: 'GET' as const, path: '/runs/{external_id}', state: '/state' },
    states: {},
    poll_interval_seconds: 5,
    hardware: gpu,
  };
  it('has local where the environment allows it and the configuration does not forbid it', () => {
    expect([...providersOf({}, false).keys()]).toEqual([]);
    expect(providersOf({}, true).get('local')?.hardware).toEqual({ local: { cost_per_hour_usd: 0 } });
    expect([...providersOf({ local: { type: 'local', enabled: false, hardware: {} } }, true).keys()]).toEqual(
      [],
    );
    const enabled = providersOf({ local: { type: 'local', enabled: true, hardware: gpu } }, false);
    expect(Object.keys(enabled.get('local')?.hardware ?? {})).toEqual(['local', 'gpu']);
    expect([...providersOf({ cloud: { ...cloud, enabled: false } }, false).keys()]).toEqual([]);
  });
  it.each([
    [true, { body: { id: '{run_key}', mounts: '{files}' } }],
    [false, { body: { id: '{run_key}', env: '{env}' } }],
    [false, {}],
  ])('gives runs files (%s) where the template of their submit says where', (givesFiles, submit) => {
    const configured = { ...cloud, submit: { ...cloud.submit, ...submit } };
    expect(providersOf({ cloud: configured }, true).get('cloud')).toMatchObject({ givesFiles });
    expect(providersOf({}, true).get('local')).toMatchObject({ givesFiles: true });
  });
  it('takes prices that were set over those of the file, and these over what the provider lists', () => {
    const provider = {
      name: 'p',
      type: 'http' as const,
      hardware: gpu,
      givesFiles: false,
      sellsListed: false,
    };
    const [one, two, three] = [1, 2, 3].map((usd) => ({ cost_per_hour_usd: usd }));
    const set = { gpu: three!, tpu: one! };
    expect(priced(provider, set, { gpu: two!, tpu: two!, npu: two! })).toMatchObject({
      hardware: { gpu: three, tpu: one, npu: two },
      sources: { gpu: 'administrator', tpu: 'administrator', npu: 'provider' },
    });
    expect(priced(provider, undefined, { gpu: two! })).toMatchObject({
      hardware: gpu,
      sources: { gpu: 'configuration' },
    });
  });
});
