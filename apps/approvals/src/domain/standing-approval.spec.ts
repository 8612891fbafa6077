import type { JobFacts } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import { leftOf, speaksFor, type Covers, type StandingApproval } from './standing-approval.js';

const NOW = new Date('2026-11-30T23:59:59Z');
const ANY: Covers = {
  userId: null,
  teamId: null,
  orgId: null,
  provider: null,
  configPattern: null,
  hardwarePattern: null,
  maxJobUsd: null,
};
const standing = (covers: Partial<Covers> = {}, more: Partial<StandingApproval> = {}): StandingApproval => ({
  id: 1,
  covers: { ...ANY, ...covers },
  capUsd: 100,
  per: 'once',
  spentUsd: 0,
  spentMonth: null,
  startsAt: new Date('2026-11-01T00:00:00Z'),
  endsAt: new Date('2026-12-24T00:00:00Z'),
  revokedAt: null,
  reason: 'sweep',
  grantedById: 2,
  grantedBy: 'lea',
  createdAt: NOW,
  ...more,
});
const job: JobFacts = {
  job_id: `job_${'0'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: 'flux-lora',
  hardware: 'a100-80gb',
  estimated_cost_usd: 72,
  jobs_last_24h: 0,
  first_job: false,
  org_id: 3,
  team_id: 4,
  team_ids: [4, 5],
};

describe('a standing approval speaks for', () => {
  it.each<[string, StandingApproval, Partial<JobFacts>, boolean]>([
    ['anybody, where it names nobody', standing(), {}, true],
    ['whom it names', standing({ userId: 7 }), {}, true],
    ['nobody else', standing({ userId: 8 }), {}, false],
    ['the team that the job counts under', standing({ teamId: 4 }), {}, true],
    ['no other team of the submitter', standing({ teamId: 5 }), {}, false],
    ['no job without a team', standing({ teamId: 4 }), { team_id: undefined }, false],
    ['the organisation', standing({ orgId: 3 }), {}, true],
    ['no other organisation', standing({ orgId: 1 }), {}, false],
    ['the provider', standing({ provider: 'replicate' }), {}, true],
    ['no other provider', standing({ provider: 'runpod' }), {}, false],
    ['configs of a pattern', standing({ configPattern: 'flux-*' }), {}, true],
    ['configs of an anchored pattern', standing({ configPattern: '^flux-(lora|full)$' }), {}, true],
    ['no other config', standing({ configPattern: 'sdxl-*' }), {}, false],
    ['hardware of a pattern', standing({ hardwarePattern: 'A100*' }), {}, true],
    [
      'no job that may come to other hardware',
      standing({ hardwarePattern: 'A100*' }),
      { also_hardware: ['h100'] },
      false,
    ],
    ['no other hardware', standing({ hardwarePattern: 'h100*' }), {}, false],
    ['jobs up to a cost', standing({ maxJobUsd: 72 }), {}, true],
    ['none above it', standing({ maxJobUsd: 71.99 }), {}, false],
    ['what is left of its sum', standing({}, { spentUsd: 28 }), {}, true],
    ['no more than that', standing({}, { spentUsd: 28.01 }), {}, false],
    ['what is left of it to the cent', standing({}, { spentUsd: 99.9 }), { estimated_cost_usd: 0.1 }, true],
    ['none before it begins', standing({}, { startsAt: new Date('2026-12-01T00:00:00Z') }), {}, false],
    ['none when it is over', standing({}, { endsAt: NOW }), {}, false],
    ['none when it is taken back', standing({}, { revokedAt: NOW }), {}, false],
    ['no job that is beyond a quota', standing(), { over_quota: ['too much'] }, false],
    [
      'no job whose secret takes an approval',
      standing(),
      { secrets_needing_approval: [{ name: 'A', scope: 'global', level: 'lead' }] },
      false,
    ],
  ])('%s', (_, one, more, speaks) => {
    expect(speaksFor(one, { ...job, ...more }, NOW)).toBe(speaks);
  });

  it('has its whole sum again with each month, where it is per month', () => {
    const monthly = standing({}, { per: 'month', spentUsd: 90, spentMonth: '2026-11' });
    expect(leftOf(monthly, NOW)).toBe(10);
    expect(leftOf(monthly, new Date(NOW.getTime() + 1_000))).toBe(100);
    expect(leftOf({ ...monthly, per: 'once' }, new Date(NOW.getTime() + 1_000))).toBe(10);
    expect(leftOf({ ...monthly, spentUsd: 130 }, NOW)).toBe(0);
  });
});
