import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silenceFor, type Matchers, type Silence } from './silences.js';

const NOON = new Date('2026-11-25T12:00:00.000Z');
const hour = (hours: number): Date => new Date(NOON.getTime() + hours * 3_600_000);
const silence = (matchers: Matchers, from = -1, to = 1): Silence => ({
  id: 1,
  matchers,
  startsAt: hour(from),
  endsAt: hour(to),
});
const fits = (glob: string, text: string): boolean =>
  glob.endsWith('*') ? text.startsWith(glob.slice(0, -1)) : glob === text;
const failed = {
  type: 'job.failed',
  data: { job_id: 'job_1', config_name: 'tiny-lora', user_id: 7, team_id: 5 },
};
const isSilent = (given: Silence, event: { type: string; data: object } = failed): boolean =>
  silenceFor([given], event, 3, NOON, fits) !== undefined;

it.each([
  [{ eventType: 'job.failed' }, true],
  [{ eventType: 'job.*' }, true],
  [{ eventType: '*' }, true],
  [{ eventType: 'job.completed' }, false],
  [{ jobId: 'job_1' }, true],
  [{ jobId: 'job_2' }, false],
  [{ configName: 'tiny*' }, true],
  [{ configName: 'big*' }, false],
  [{ userId: 7 }, true],
  [{ userId: 8 }, false],
  [{ teamId: 5 }, true],
  [{ teamId: 6 }, false],
  [{ channelId: 3 }, true],
  [{ channelId: 4 }, false],
  [{ eventType: 'job.*', configName: 'tiny*', userId: 7, channelId: 3 }, true],
  [{ eventType: 'job.*', configName: 'tiny*', userId: 8, channelId: 3 }, false],
])('%j silences it: %s', (matchers, silent) => {
  expect(isSilent(silence(matchers))).toBe(silent);
});

it.each([
  [-1, 1, true],
  [0, 1, true],
  [-1, 0, false],
  [1, 2, false],
])('from %i to %i hours from now silences it: %s', (from, to, silent) => {
  expect(isSilent(silence({ eventType: '*' }, from, to))).toBe(silent);
});

it('asks of an event nothing that it does not say', () => {
  const event = { type: 'system.dead_letter', data: {} };
  for (const matchers of [{ jobId: '*' }, { configName: '*' }, { userId: 7 }, { teamId: 5 }])
    expect(isSilent(silence(matchers), event)).toBe(false);
});

it('silences less with each matcher more', () => {
  const optional = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
  const matchers = fc.record({
    eventType: optional('*', 'job.*', 'job.failed', 'auth.*'),
    jobId: optional('job_1', 'job_*', 'x'),
    configName: optional('tiny*', 'x'),
    userId: optional(7, 8),
    teamId: optional(5, 6),
    channelId: optional(3, 4),
  });
  fc.assert(
    fc.property(matchers, matchers, (some, more) => {
      const both = {
        ...some,
        ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
      };
      const kept = (Object.keys(some) as (keyof Matchers)[]).every(
        (key) => some[key] === undefined || some[key] === both[key],
      );
      if (kept && isSilent(silence(both))) expect(isSilent(silence(some))).toBe(true);
    }),
  );
});
