import { resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { expect, it, onTestFinished, vi } from 'vitest';
import { KeepHouse } from '../src/jobs/keep-house.js';
import { KeyWorks } from '../src/keys/key-works.js';
import { endJob, type ForRun } from './claim-run.js';
import { HOUR, MINUTE, openLeasesHouse, type Dynamic, type LeasesHouse } from './leases-house.js';

async function open(...args: Parameters<typeof openLeasesHouse>): Promise<LeasesHouse> {
  const h = await openLeasesHouse(...args);
  onTestFinished(() => h.close());
  return h;
}
const both = ({ user, password }: Dynamic): string[] => [user, password];
async function running(
  h: LeasesHouse,
  dynamic: Dynamic,
): Promise<{ run: ForRun; values: Record<string, string> }> {
  const run = await h.claim(both(dynamic));
  return { run, values: await h.resolve(run, both(dynamic)) };
}
const logins = (h: LeasesHouse): number => h.fake.callsTo('auth/approle/login');
const tokenOf = (h: LeasesHouse, path: string): string =>
  h.fake.calls.findLast((call) => call.path === path)?.token ?? 'none';

it('leases outlive the service that had them made: the next one renews them, gives the same, and gives them back', async () => {
  const h = await open();
  const dynamic = h.dynamic();
  const { run, values } = await running(h, dynamic);
  const token = tokenOf(h, dynamic.path);
  await h.restart();
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
  expect(await h.resolve(run, both(dynamic))).toEqual(values);
  await h.pass(3 * HOUR);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
  expect(await h.resolve(run, both(dynamic))).toEqual(values);
  expect(h.fake.callsTo(dynamic.path)).toBe(1);
  // The token itself was renewed too, and is used by the new one as well.
  expect(h.fake.calls.filter(({ path }) => path === 'auth/token/renew-self').at(-1)?.token).toBe(token);
  expect(tokenOf(h, 'sys/leases/renew')).toBe(token);
  await endJob(h.house.peer, run);
  await vi.waitFor(() => expect(h.fake.liveLeases(dynamic.path)).toEqual([]));
});

it('leases of a replica that is gone are renewed by another one', async () => {
  const h = await open();
  const dynamic = h.dynamic();
  const other = await h.house.replica();
  const run = await h.claim(both(dynamic));
  const values = await h.resolve(run, both(dynamic), other);
  await other.close();
  await h.pass(3 * HOUR);
  expect(await h.resolve(run, both(dynamic))).toEqual(values);
  expect(h.fake.callsTo(dynamic.path)).toBe(1);
});

it('one login is enough for all replicas; what another one made too much is given back', async () => {
  const h = await open();
  const [first, second] = [h.dynamic(), h.dynamic()];
  const other = await h.house.replica();
  const runs = await Promise.all([h.claim(both(first)), h.claim(both(second))]);
  let release: (value?: unknown) => void = () => undefined;
  h.fake.failNext('auth/approle/login', 2, { until: new Promise((resolve) => (release = resolve)) });
  const answers = [h.resolve(runs[0], both(first)), h.resolve(runs[1], both(second), other)];
  await vi.waitFor(() => expect(logins(h)).toBe(2));
  release();
  await Promise.all(answers);
  expect(tokenOf(h, first.path)).toBe(tokenOf(h, second.path));
  await h.round();
  expect(await h.sessions()).toHaveLength(1);
  expect(h.fake.callsTo('auth/token/revoke-self')).toBe(1);
  expect(h.fake.liveLeases(first.path)).toHaveLength(1);
});

it('a token that has come to its largest time is followed by another for new leases, and given back after the last of its own', async () => {
  const h = await open({ ttlSeconds: HOUR, maxTtlSeconds: 3 * HOUR });
  const dynamic = h.dynamic({ ttlSeconds: 20 * MINUTE });
  const long = h.dynamic({ ttlSeconds: 24 * HOUR });
  const { run } = await running(h, dynamic);
  const { run: longRun, values } = await running(h, long);
  const first = tokenOf(h, dynamic.path);
  // Its end is certain now, and that of the leases made with it.
  await h.pass(2 * HOUR + 54 * MINUTE);
  expect(await h.sessions()).toMatchObject([{ is_current: false }]);
  const { run: later } = await running(h, dynamic);
  expect(tokenOf(h, dynamic.path)).not.toBe(first);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(2);
  // Told well before the end of the token; whoever asks gets one of the new token.
  expect(await h.metric('vault_leases_ending_total')).toBeGreaterThanOrEqual(1);
  const next = await h.resolve(longRun, both(long));
  expect(next).not.toEqual(values);
  await Promise.all([endJob(h.house.peer, run), endJob(h.house.peer, longRun)]);
  await vi.waitFor(async () => expect(await h.rows(longRun.job_id)).toEqual([]));
  await h.pass(2 * MINUTE);
  expect(await h.sessions()).toMatchObject([{ is_current: true }]);
  expect(tokenOf(h, 'auth/token/revoke-self')).toBe(first);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
  expect(await h.rows(later.job_id)).toHaveLength(1);
});

it('a token that was revoked elsewhere took its leases with it: others are made, with another token', async () => {
  const h = await open();
  const [dynamic, another] = [h.dynamic(), h.dynamic()];
  const { run, values } = await running(h, dynamic);
  h.fake.revokeToken(tokenOf(h, dynamic.path));
  await running(h, another);
  expect(logins(h)).toBe(2);
  await h.round();
  expect(await h.rows(run.job_id)).toEqual([]);
  const next = await h.resolve(run, both(dynamic));
  expect(next).not.toEqual(values);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
});

it.each([500, 503])('a token whose renewal fails with %i is renewed a little later', async (status) => {
  const h = await open();
  const dynamic = h.dynamic({ ttlSeconds: 24 * HOUR });
  const { run, values } = await running(h, dynamic);
  h.fake.failNext('auth/token/renew-self', 2, { status });
  await h.pass(3 * HOUR);
  expect(await h.metric('vault_lease_renewal_errors_total', 'of="token"')).toBe(2);
  expect(await h.resolve(run, both(dynamic))).toEqual(values);
  expect(logins(h)).toBe(1);
});

it('a token that was given makes them itself, and is not given back', async () => {
  const h = await open(undefined, (fake) => ({ VAULT_TOKEN: fake.rootToken }));
  const dynamic = h.dynamic();
  const { run, values } = await running(h, dynamic);
  expect(await h.sessions()).toEqual([]);
  await h.restart();
  await h.pass(2 * HOUR);
  expect(await h.resolve(run, both(dynamic))).toEqual(values);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
  await endJob(h.house.peer, run);
  await vi.waitFor(() => expect(h.fake.liveLeases(dynamic.path)).toEqual([]));
  expect(h.fake.callsTo('auth/token/revoke-self')).toBe(0);
});

it.each(['rotate', 'reencrypt'] as const)(
  'leases and their token open with the new key after %s, and the old key goes',
  async (work) => {
    const h = await open();
    const dynamic = h.dynamic();
    const { run, values } = await running(h, dynamic);
    const { app, database } = h.house.service;
    const before = await database.query('select ciphertext from vault_leases');
    await app.get(KeyWorks)[work](1);
    await app.get(KeepHouse).process();
    expect(await database.query('select 1 from kek')).toHaveLength(1);
    const after = await database.query('select ciphertext from vault_leases');
    expect(JSON.stringify(after) === JSON.stringify(before)).toBe(work === 'rotate');
    expect(await h.resolve(run, both(dynamic))).toEqual(values);
    await h.pass(HOUR);
    expect(h.fake.liveLeases(dynamic.path)).toHaveLength(1);
    expect(await h.metric('vault_lease_renewal_errors_total', 'of="lease"')).toBe(0);
  },
);

it('the lease of a secret that a template refers to is made for the run too', async () => {
  const h = await open();
  const { user, password, path } = h.dynamic();
  const value = `postgres://\${${user}}:\${${password}}@db/app`;
  await h.house.admin.post('/api/secrets', { name: 'DB_URL', value, template: true });
  const run = await h.claim(['DB_URL']);
  const key = new SealingKey();
  const asked = { names: ['DB_URL'], for: run, public_key: key.publicKey };
  const { box } = await h.house.peer.ask(resolveSecrets, asked);
  expect(JSON.parse(await key.open(box!))).toEqual({
    DB_URL: expect.stringMatching(/^postgres:\/\/u-[0-9a-f]+:[\w-]+@db\/app$/),
  });
  expect(h.fake.callsTo(path)).toBe(1);
});

it('a lease that is never renewed again is tried for at growing distances, never in a hot loop', async () => {
  const h = await open();
  const dynamic = h.dynamic({ ttlSeconds: 24 * HOUR });
  const { run, values } = await running(h, dynamic);
  h.fake.failNext('sys/leases/renew', 100_000, { status: 500 });
  await h.pass(23 * HOUR);
  // Within its last stretch whoever asks gets another one.
  expect(await h.resolve(run, both(dynamic))).not.toEqual(values);
  await h.pass(2 * HOUR);
  const tries = h.fake.callsTo('sys/leases/renew');
  // From 70 to about 96 % of the day: 150 s or more between two tries but for the first few.
  expect(tries).toBeGreaterThan(20);
  expect(tries).toBeLessThan(200);
  expect(await h.metric('vault_lease_renewal_errors_total', 'of="lease"')).toBe(tries);
  // What a lost answer may have made longer is given back with the job.
  h.fake.failNext('sys/leases/revoke', 1, { status: 500 });
  await endJob(h.house.peer, run);
  await vi.waitFor(async () => expect((await h.rows(run.job_id)).length).toBe(1));
  expect(h.fake.callsTo('sys/leases/revoke')).toBe(2);
});

it('a lease whose renewal was made, but whose answers were all lost, is still known after its time, and given back with its job', async () => {
  const h = await open();
  const dynamic = h.dynamic();
  const { run } = await running(h, dynamic);
  const [lease] = h.fake.liveLeases(dynamic.path);
  h.fake.failNext('sys/leases/renew', 1_000, 'cut after');
  await h.pass(70 * MINUTE);
  expect(h.fake.liveLeases(dynamic.path)).toEqual([lease]);
  await endJob(h.house.peer, run);
  await vi.waitFor(() => expect(h.fake.liveLeases(dynamic.path)).toEqual([]));
});

it('a policy that denies renewals leads to no other token, and to another lease for whoever asks near the end', async () => {
  const h = await open();
  const dynamic = h.dynamic();
  const { run, values } = await running(h, dynamic);
  h.fake.deny('sys/leases/renew');
  await h.pass(57 * MINUTE);
  expect(await h.metric('vault_leases_ending_total')).toBe(1);
  expect(logins(h)).toBe(1);
  expect(await h.sessions()).toMatchObject([{ is_current: true }]);
  expect(await h.resolve(run, both(dynamic))).not.toEqual(values);
  expect(h.fake.liveLeases(dynamic.path)).toHaveLength(2);
});
