import { Secret } from '@lineclear/kit';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { VaultLeases, type DynamicSecret } from '../src/vault/leases.js';
import { tokenLogin } from '../src/vault/login.js';
import { VaultClient } from '../src/vault/vault-client.js';
import { VaultHttp } from '../src/vault/vault-http.js';
import { VaultMetrics } from '../src/vault/vault-metrics.js';
import { HOUR, MINUTE, SECOND, vaultHouse } from './vault-house.js';

const PATH = 'database/creds/reader';
const userOf = ({ values }: DynamicSecret): string | undefined => values.get('username')?.reveal();

describe('a dynamic secret', () => {
  it('is made once for all who come at the same time, and shared while it lives', async () => {
    const { fake, open, metric } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const all = await Promise.all(Array.from({ length: 20 }, () => leases.readDynamic(PATH)));
    await leases.readDynamic(PATH);
    expect(new Set(all.map(userOf)).size).toBe(1);
    expect(fake.callsTo(PATH)).toBe(1);
    expect(await metric('vault_secret_requests_total', { kind: 'dynamic' })).toBe(21);
    expect(await metric('vault_secret_cache_hits_total', { kind: 'dynamic' })).toBe(1);
  });

  it('tells when it ends, and how long that still is', async () => {
    const { fake, open, time, metric } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    expect((await leases.readDynamic(PATH)).endsAt).toEqual(new Date(time.nowMs + HOUR));
    await time.pass(10 * MINUTE);
    expect(await metric('secrets_lease_seconds_to_expiry', { path: PATH })).toBe(3_000);
  });

  it('is renewed at 70 % of its time, with what the server grants', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const first = userOf(await leases.readDynamic(PATH));
    await time.pass(42 * MINUTE - SECOND);
    expect(fake.callsTo('sys/leases/renew')).toBe(0);
    await time.pass(SECOND);
    expect(fake.callsTo('sys/leases/renew')).toBe(1);
    expect(fake.calls.at(-1)?.body).toMatchObject({ increment: 3_600 });
    await time.pass(24 * HOUR);
    expect(userOf(await leases.readDynamic(PATH))).toBe(first);
    expect(fake.callsTo(PATH)).toBe(1);
    // 24 h at one per 42 minutes.
    expect(fake.callsTo('sys/leases/renew')).toBe(35);
  });

  it('of each holder is renewed at another moment', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open({}, { random: () => 0.999 });
    await leases.readDynamic(PATH);
    await time.pass(43 * MINUTE);
    expect(fake.callsTo('sys/leases/renew')).toBe(0);
    await time.pass(MINUTE);
    expect(fake.callsTo('sys/leases/renew')).toBe(1);
  });

  it.each([
    ['cannot be renewed', { ttlSeconds: 3_600, renewable: false }],
    ['has come to its largest time', { ttlSeconds: 3_600, maxTtlSeconds: 5_400 }],
  ])('that %s is replaced before its end, and revoked after that', async (_what, ttl) => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, ttl);
    const { leases } = await open();
    const first = await leases.readDynamic(PATH);
    const swaps: { liveThen: number; user: string | undefined }[] = [];
    leases.onSwap(async (path, next) => {
      swaps.push({ liveThen: fake.liveLeases(path).length, user: userOf(next) });
    });
    for (let minute = 0; minute < 180; minute += 1) {
      await time.pass(MINUTE);
      // Whoever reads at any moment gets credentials that live.
      const { endsAt } = await leases.readDynamic(PATH);
      expect(endsAt?.getTime()).toBeGreaterThan(time.nowMs);
      expect(fake.liveLeases(PATH)).toHaveLength(1);
    }
    expect(swaps.length).toBeGreaterThan(1);
    // At the swap both lived; the old one went when everyone had the new one.
    expect(swaps.every(({ liveThen }) => liveThen === 2)).toBe(true);
    expect(swaps.map(({ user }) => user)).not.toContain(userOf(first));
    expect(fake.callsTo('sys/leases/revoke')).toBe(swaps.length);
  });

  it('is swapped even when someone could not take the new one over', async () => {
    const { fake, open, time, logs } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 60, renewable: false });
    const { leases } = await open();
    leases.onSwap(() => Promise.reject(new Error('the pool is stuck')));
    await leases.readDynamic(PATH);
    await time.pass(50 * SECOND);
    expect(logs.join()).toContain('the pool is stuck');
    expect(fake.liveLeases(PATH)).toHaveLength(1);
  });

  it('without a lease is read each time', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.mountKv('kv', 1);
    fake.put('kv', 'static', { username: 'fixed' });
    const { leases } = await open();
    expect((await leases.readDynamic('kv/static')).endsAt).toBeNull();
    await leases.readDynamic('kv/static');
    expect(fake.callsTo('kv/static')).toBe(2);
    expect(time.waiting).toBe(0);
  });

  it('with a part that cannot be handed on as it is is an error', async () => {
    const { fake, open } = await vaultHouse();
    fake.mountKv('kv', 1);
    fake.put('kv', 'odd', { username: 'u', pin: 2 ** 64 });
    const { leases } = await open();
    await expect(leases.readDynamic('kv/odd')).rejects.toThrow('kv/odd: pin');
  });

  it('that is not there is an error, not an empty one', async () => {
    const { fake, open } = await vaultHouse();
    fake.mountKv('kv', 1);
    const { leases } = await open();
    await expect(leases.readDynamic('kv/none')).rejects.toMatchObject({ fault: 'not found' });
    await expect(leases.readDynamic('nowhere/creds')).rejects.toMatchObject({ fault: 'not found' });
  });

  it('whose answer was lost is not asked for a second time: nobody would know of the first', async () => {
    const { fake, open } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    fake.failNext(PATH, 1, 'cut after');
    await expect(leases.readDynamic(PATH)).rejects.toMatchObject({ fault: 'no answer' });
    expect(fake.callsTo(PATH)).toBe(1);
  });
});

describe('a renewal that fails', () => {
  it.each<[string, 'cut before' | { status: number }]>([
    ['with a 500', { status: 500 }],
    ['with a sealed server', { status: 503 }],
    ['with a cut connection', 'cut before'],
  ])('%s is tried again at growing distances, never in a hot loop', async (_what, fault) => {
    const { fake, open, time, metric, logs } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 86_400 });
    const { leases } = await open();
    await leases.readDynamic(PATH);
    fake.failNext('sys/leases/renew', 100_000, fault);
    fake.failNext(PATH, 100_000, fault);
    const before = fake.calls.length;
    await time.pass(25 * HOUR);
    const made = fake.calls.length - before;
    // 7 hours of failing, with at least 150 s between two tries but for the first and last few.
    expect(made).toBeGreaterThan(20);
    expect(made).toBeLessThan(200);
    expect(await metric('vault_lease_renewal_errors_total', { of: 'lease' })).toBe(made);
    expect(logs.length).toBe(made);
    // Past its end nothing is tried any more, until someone asks.
    expect(time.waiting).toBe(0);
    await expect(leases.readDynamic(PATH)).rejects.toMatchObject({ status: 503 });
  });

  it('and comes right again is forgotten', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const first = userOf(await leases.readDynamic(PATH));
    fake.failNext('sys/leases/renew', 3, { status: 500 });
    await time.pass(12 * HOUR);
    expect(userOf(await leases.readDynamic(PATH))).toBe(first);
    expect(fake.callsTo(PATH)).toBe(1);
  });

  it('until the grace leads to other credentials before the old ones end', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const first = await leases.readDynamic(PATH);
    fake.failNext('sys/leases/renew', 100_000, { status: 500 });
    await time.pass(59 * MINUTE);
    const next = await leases.readDynamic(PATH);
    expect(userOf(next)).not.toBe(userOf(first));
    expect(next.endsAt?.getTime()).toBeGreaterThan(first.endsAt?.getTime() ?? Infinity);
  });

  it('because the lease is gone leads to other credentials soon', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const first = userOf(await leases.readDynamic(PATH));
    fake.failNext('sys/leases/renew', 1, { status: 400, text: '{"errors":["lease not found"]}' });
    await time.pass(43 * MINUTE);
    expect(userOf(await leases.readDynamic(PATH))).not.toBe(first);
    expect(fake.callsTo('sys/leases/renew')).toBe(1);
  });
});

describe('leases', () => {
  it('are replaced when the token is, for they end with it', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 86_400 });
    fake.addAppRole('r', 's', { ttlSeconds: 3_600, maxTtlSeconds: 3_600 });
    const { leases } = await open({ LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: 's' });
    const first = userOf(await leases.readDynamic(PATH));
    await time.pass(2 * HOUR);
    expect(userOf(await leases.readDynamic(PATH))).not.toBe(first);
    expect(fake.liveLeases(PATH)).toHaveLength(1);
  });

  it('are all given back at the end, before the token is', async () => {
    const { fake, open, time } = await vaultHouse();
    fake.addAppRole('r', 's', { ttlSeconds: 3_600 });
    const paths = ['a', 'b', 'c'].map((name) => `database/creds/${name}`);
    for (const path of paths) fake.addDynamic(path, { ttlSeconds: 3_600 });
    const vault = await open({ LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: 's' });
    await Promise.all(paths.map((path) => vault.leases.readDynamic(path)));
    await vault.close();
    expect(fake.calls.slice(-4).map(({ path }) => path)).toEqual([
      ...paths.map(() => 'sys/leases/revoke'),
      'auth/token/revoke-self',
    ]);
    expect(paths.flatMap((path) => fake.liveLeases(path))).toEqual([]);
    expect(time.waiting).toBe(0);
    await expect(vault.leases.readDynamic('database/creds/a')).rejects.toMatchObject({ fault: 'no answer' });
  });

  it('can be given back one by one', async () => {
    const { fake, open, metric } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 3_600 });
    const { leases } = await open();
    const first = userOf(await leases.readDynamic(PATH));
    await leases.release(PATH);
    await leases.release('database/creds/never-read');
    expect(fake.liveLeases(PATH)).toEqual([]);
    expect(await metric('vault_lease_revocations_total', { outcome: 'revoked' })).toBe(1);
    expect(userOf(await leases.readDynamic(PATH))).not.toBe(first);
  });

  it.each<[string, number]>([
    ['denied', 403],
    ['failed', 500],
  ])(
    'whose revocation is %s end by themselves: that stops nothing, and is counted',
    async (outcome, status) => {
      const { fake, open, metric, logs } = await vaultHouse();
      fake.addDynamic(PATH, { ttlSeconds: 3_600 });
      const vault = await open();
      await vault.leases.readDynamic(PATH);
      fake.failNext('sys/leases/revoke', 9, { status });
      await vault.close();
      expect(await metric('vault_lease_revocations_total', { outcome })).toBe(1);
      expect(logs.join()).toContain('lives until its end');
    },
  );

  it('are held up to a number, and no more', async () => {
    const { fake, time } = await vaultHouse();
    for (const name of ['a', 'b', 'c']) fake.addDynamic(`db/creds/${name}`, { ttlSeconds: 60 });
    const write = (): void => undefined;
    const parts = {
      clock: time.clock,
      timer: time,
      random: () => 0,
      metrics: new VaultMetrics({ registry: new Registry() }),
      log: { info: write, warn: write, error: write },
    };
    const http = new VaultHttp({
      address: fake.url,
      timeoutMs: 5_000,
      random: () => 0,
      pause: async () => undefined,
    });
    const client = new VaultClient(http, tokenLogin({ value: new Secret(fake.rootToken) }), parts);
    const leases = new VaultLeases(client, { ...parts, maxLeases: 2 });
    await leases.readDynamic('db/creds/a');
    await leases.readDynamic('db/creds/b');
    await expect(leases.readDynamic('db/creds/c')).rejects.toThrow('more than 2 leases');
    await leases.release('db/creds/a');
    await leases.readDynamic('db/creds/c');
    await leases.close();
    await client.close();
  });

  it('print no credentials', async () => {
    const { fake, open, time, logs } = await vaultHouse();
    fake.addDynamic(PATH, { ttlSeconds: 60, renewable: false });
    const { leases } = await open();
    const secret = await leases.readDynamic(PATH);
    fake.failNext(PATH, 2, {
      status: 500,
      text: `{"errors":["${secret.values.get('password')?.reveal()}"]}`,
    });
    await time.pass(MINUTE);
    expect(logs.length).toBeGreaterThan(0);
    expect(logs.join()).not.toContain(secret.values.get('password')?.reveal());
    expect(logs.join()).not.toContain(fake.rootToken);
  });
});
