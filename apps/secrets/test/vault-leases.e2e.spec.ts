import { auditRecorded, resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import type { VaultFault } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { endJob, type ForRun } from './claim-run.js';
import { HOUR, MINUTE, openLeasesHouse, type Dynamic, type LeasesHouse } from './leases-house.js';

let h: LeasesHouse;
beforeAll(async () => {
  h = await openLeasesHouse();
});
afterAll(() => h?.close());

const both = ({ user, password }: Dynamic): string[] => [user, password];
const live = ({ path }: Dynamic): number => h.fake.liveLeases(path).length;
const renewals = ({ path }: Dynamic): number =>
  h.fake.calls.filter(
    ({ path: called, body }) => called === 'sys/leases/renew' && String(body['lease_id']).startsWith(path),
  ).length;
/** A job that has credentials of a path. */
async function running(dynamic: Dynamic): Promise<{ run: ForRun; values: Record<string, string> }> {
  const run = await h.claim(both(dynamic));
  return { run, values: await h.resolve(run, both(dynamic)) };
}
const gone = (run: ForRun): Promise<void> =>
  vi.waitFor(async () => expect(await h.rows(run.job_id)).toEqual([]));

describe('credentials that Vault makes for a job', () => {
  it('come from one lease for all names of a path, and are the same whenever its attempt asks again', async () => {
    const dynamic = h.dynamic();
    const { run, values } = await running(dynamic);
    expect(values).toEqual({
      [dynamic.user]: expect.stringMatching(/^u-/),
      [dynamic.password]: expect.any(String),
    });
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    expect(await h.resolve(run, [dynamic.user])).toEqual({ [dynamic.user]: values[dynamic.user] });
    expect(h.fake.callsTo(dynamic.path)).toBe(1);
    expect(live(dynamic)).toBe(1);
    // Another job has others.
    expect((await running(dynamic)).values).not.toEqual(values);
    await vi.waitFor(() =>
      expect(
        h.house.peer
          .events(auditRecorded)
          .map(({ data }) => data)
          .filter(({ action, target }) => action === 'lease.issued' && target === `job/${run.job_id}`),
      ).toMatchObject([{ details: { attempt: 1, path: dynamic.path } }]),
    );
  });

  it('are kept encrypted, with the token that they were made with', async () => {
    const { run, values } = await running(h.dynamic());
    const [lease] = await h.rows(run.job_id);
    const token = h.fake.calls.findLast(({ path }) => path.startsWith('database/'))?.token;
    const kept = JSON.stringify([lease, await h.sessions()], (_, value: unknown) =>
      isBuffer(value) ? Buffer.from(value.data).toString('latin1') : value,
    );
    expect(kept).toContain(run.job_id);
    for (const secret of [...Object.values(values), token]) expect(kept).not.toContain(secret);
    expect(JSON.stringify(h.house.peer.events(auditRecorded))).not.toContain(Object.values(values)[1]);
  });

  it('are for jobs alone: nothing is made for providers or channels, or to explain where a name comes from', async () => {
    const dynamic = h.dynamic();
    expect(await h.house.resolve(dynamic.user)).toEqual({ missing: [dynamic.user] });
    const channel = { purpose: 'channel' as const, channel_id: 1 };
    const asked = { names: [dynamic.user], for: channel, public_key: new SealingKey().publicKey };
    expect((await h.house.peer.ask(resolveSecrets, asked)).missing).toEqual([dynamic.user]);
    const explain = `/api/secrets/${dynamic.user}/explain`;
    const ofProvider = (await h.house.admin.get(explain)).body;
    const ofRun = (await h.house.admin.get(`${explain}?scope=user`)).body;
    expect([ofProvider.found_in, ofRun.found_in]).toEqual([null, { source: 'vault', scope: 'global' }]);
    for (const body of [ofProvider, ofRun])
      expect(JSON.stringify(body)).toContain(`username of ${dynamic.path}, made for each attempt of a job`);
    expect(h.fake.callsTo(dynamic.path)).toBe(0);
  });

  it('are others for the next attempt, and those of the one before are given back', async () => {
    const dynamic = h.dynamic();
    const { run, values } = await running(dynamic);
    const next = await h.claim(both(dynamic), { ...run, attempt: 2 });
    expect(await h.resolve(next, both(dynamic))).not.toEqual(values);
    await vi.waitFor(() => expect(live(dynamic)).toBe(1));
    expect(await h.rows(run.job_id)).toMatchObject([{ attempt: 2 }]);
  });

  it('are the same from two replicas that are asked at once, and what one of them made too much is given back', async () => {
    const other = await h.house.replica();
    const dynamic = h.dynamic();
    const run = await h.claim(both(dynamic));
    // Both have asked Vault before either of them has an answer.
    let release: (value?: unknown) => void = () => undefined;
    const until = new Promise((resolve) => (release = resolve));
    h.fake.failNext(dynamic.path, 2, { until });
    const answers = [h.resolve(run, both(dynamic)), h.resolve(run, both(dynamic), other)];
    await vi.waitFor(() => expect(h.fake.callsTo(dynamic.path)).toBe(2));
    release();
    const [first, second] = await Promise.all(answers);
    expect(first).toEqual(second);
    await vi.waitFor(() => expect(live(dynamic)).toBe(1));
    await vi.waitFor(async () => expect(await h.rows(run.job_id)).toHaveLength(1));
    await other.close();
  });

  it.each(['completed', 'failed', 'cancelled'] as const)('are given back when the job has %s', async (as) => {
    const dynamic = h.dynamic();
    const { run } = await running(dynamic);
    await endJob(h.house.peer, run, { as });
    await gone(run);
    expect(live(dynamic)).toBe(0);
    await vi.waitFor(() =>
      expect(
        h.house.peer
          .events(auditRecorded)
          .map(({ data }) => data)
          .filter(({ action, target }) => action === 'lease.ended' && target === `job/${run.job_id}`),
      ).toMatchObject([{ details: { path: dynamic.path, outcome: 'revoked' } }]),
    );
  });

  it('are given back too where the job ends while they are being made, and nobody gets them', async () => {
    const dynamic = h.dynamic();
    const run = await h.claim(both(dynamic));
    let release: (value?: unknown) => void = () => undefined;
    h.fake.failNext(dynamic.path, 1, { until: new Promise((resolve) => (release = resolve)) });
    const asking = h.resolve(run, both(dynamic));
    await vi.waitFor(() => expect(h.fake.callsTo(dynamic.path)).toBe(1));
    await endJob(h.house.peer, run);
    await vi.waitFor(async () =>
      expect(
        await h.house.service.database.query('select ended_at from claims where job_id = $1', [run.job_id]),
      ).toMatchObject([{ ended_at: expect.any(Date) }]),
    );
    release();
    await expect(asking).rejects.toThrow('ended while it was asked for');
    await gone(run);
    expect(live(dynamic)).toBe(0);
  });

  it('are found over by the next round where the end of the job was not heard of in time', async () => {
    const dynamic = h.dynamic();
    const { run } = await running(dynamic);
    await h.house.service.database.query('update claims set ended_at = now() where job_id = $1', [
      run.job_id,
    ]);
    await h.pass(45 * MINUTE);
    await gone(run);
    expect(live(dynamic)).toBe(0);
    expect(renewals(dynamic)).toBe(0);
  });
});

describe('a lease', () => {
  it('is renewed at 70 % of its time, for as long as the job runs', async () => {
    const dynamic = h.dynamic();
    const { run, values } = await running(dynamic);
    await h.pass(41 * MINUTE);
    expect(renewals(dynamic)).toBe(0);
    await h.pass(5 * MINUTE);
    expect(renewals(dynamic)).toBe(1);
    const asked = h.fake.calls.findLast(({ path }) => path === 'sys/leases/renew');
    expect(asked?.body).toMatchObject({ increment: HOUR });
    await h.pass(5 * HOUR);
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    expect(h.fake.callsTo(dynamic.path)).toBe(1);
    expect(renewals(dynamic)).toBeGreaterThanOrEqual(7);
    expect(renewals(dynamic)).toBeLessThanOrEqual(9);
    expect(await h.metric('secrets_leases_live', dynamic.path)).toBe(1);
    expect(await h.metric('secrets_lease_seconds_to_expiry', dynamic.path)).toBeGreaterThan(0);
    await endJob(h.house.peer, run);
    await gone(run);
  });

  it.each([
    ['cannot be renewed', { ttlSeconds: HOUR, renewable: false }, 50 * MINUTE],
    ['has come to its largest time', { ttlSeconds: HOUR, maxTtlSeconds: 90 * MINUTE }, 86 * MINUTE],
  ])('that %s is told of once before its end; whoever asks again gets another', async (_what, ttl, askAt) => {
    const dynamic = h.dynamic(ttl);
    const before = await h.metric('vault_leases_ending_total');
    const { run, values } = await running(dynamic);
    await h.pass(30 * MINUTE);
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    await h.pass(askAt - 30 * MINUTE);
    expect(await h.metric('vault_leases_ending_total')).toBe(before + 1);
    expect(live(dynamic)).toBe(1);
    const next = await h.resolve(run, both(dynamic));
    expect(next).not.toEqual(values);
    // The process that runs has the old one, which is left to it.
    expect(live(dynamic)).toBe(2);
    expect(await h.resolve(run, both(dynamic))).toEqual(next);
    await h.pass(15 * MINUTE);
    expect(live(dynamic)).toBe(1);
    expect(await h.rows(run.job_id)).toHaveLength(1);
    await endJob(h.house.peer, run);
    await gone(run);
    expect(live(dynamic)).toBe(0);
  });

  it('that ends is given once more while Vault makes no other', async () => {
    const dynamic = h.dynamic({ ttlSeconds: HOUR, renewable: false });
    const { run, values } = await running(dynamic);
    await h.pass(50 * MINUTE);
    h.fake.failNext(dynamic.path, 1, { status: 503 });
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    expect(await h.resolve(run, both(dynamic))).not.toEqual(values);
  });

  it.each<[string, VaultFault]>([
    ['with a 500', { status: 500 }],
    ['with a sealed server', { status: 503 }],
    ['with a rate limit', { status: 429, retryAfterSeconds: 1 }],
    ['with a cut connection', 'cut before'],
    ['with a lost answer', 'cut after'],
    ['with no answer in time', 'hang'],
  ])('whose renewal fails %s is renewed a little later, and stays the same', async (_what, fault) => {
    const dynamic = h.dynamic();
    const { run, values } = await running(dynamic);
    const errors = await h.metric('vault_lease_renewal_errors_total', 'of="lease"');
    h.fake.failNext('sys/leases/renew', 1, fault);
    // Others' leases are renewed too: which one fails is left open.
    await h.pass(55 * MINUTE);
    expect(await h.metric('vault_lease_renewal_errors_total', 'of="lease"')).toBeGreaterThan(errors);
    await h.pass(30 * MINUTE);
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    expect(h.fake.callsTo(dynamic.path)).toBe(1);
    await endJob(h.house.peer, run);
    await gone(run);
  });

  it('that Vault no longer knows is followed by another for whoever asks', async () => {
    const dynamic = h.dynamic();
    const { run, values } = await running(dynamic);
    const [lease] = h.fake.liveLeases(dynamic.path);
    h.fake.revokeLease(lease!.id);
    await h.pass(46 * MINUTE);
    expect(renewals(dynamic)).toBe(1);
    expect(await h.resolve(run, both(dynamic))).not.toEqual(values);
    await endJob(h.house.peer, run);
    await gone(run);
  });

  it.each<[string, VaultFault]>([
    ['denied', { status: 403, text: '{"errors":["permission denied"]}' }],
    ['gone', { status: 400, text: '{"errors":["invalid lease"]}' }],
    ['gone', { status: 404, text: '{"errors":["lease not found"]}' }],
  ])('whose revocation is answered with "%s" (%j) is let go, which is counted', async (outcome, fault) => {
    const { run } = await running(h.dynamic());
    const before = await h.metric('vault_lease_revocations_total', `outcome="${outcome}"`);
    h.fake.failNext('sys/leases/revoke', 1, fault);
    await endJob(h.house.peer, run);
    await gone(run);
    expect(await h.metric('vault_lease_revocations_total', `outcome="${outcome}"`)).toBe(before + 1);
  });

  it.each<VaultFault>([{ status: 500 }, { status: 429 }, 'cut before', 'hang'])(
    'whose revocation fails (%j) is given back a little later',
    async (fault) => {
      const dynamic = h.dynamic();
      const { run } = await running(dynamic);
      h.fake.failNext('sys/leases/revoke', 1, fault);
      await endJob(h.house.peer, run);
      await vi.waitFor(async () => expect(await h.rows(run.job_id)).toMatchObject([{ failures: 1 }]), 5_000);
      expect(live(dynamic)).toBe(1);
      await h.pass(MINUTE);
      await gone(run);
      expect(live(dynamic)).toBe(0);
    },
  );
});

const isBuffer = (value: unknown): value is { data: number[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
