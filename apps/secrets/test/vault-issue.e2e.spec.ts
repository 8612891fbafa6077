import type { VaultFault } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { endJob, newJobId, type ForRun } from './claim-run.js';
import { HOUR, openLeasesHouse, type Dynamic, type LeasesHouse } from './leases-house.js';

let h: LeasesHouse;
beforeAll(async () => {
  h = await openLeasesHouse();
});
afterAll(() => h?.close());

const both = ({ user, password }: Dynamic): string[] => [user, password];
const live = ({ path }: Dynamic): number => h.fake.liveLeases(path).length;
const gone = (run: ForRun): Promise<void> =>
  vi.waitFor(async () => expect(await h.rows(run.job_id)).toEqual([]));

describe('Vault that makes no credentials', () => {
  it.each<[string, VaultFault, number]>([
    ['is sealed', { status: 503, text: '{"errors":["Vault is sealed"]}' }, 0],
    ['limits the rate', { status: 429, retryAfterSeconds: 3 }, 0],
    ['fails', { status: 500 }, 0],
    ['cuts the connection', 'cut before', 0],
    ['answers what gets lost: nobody knows of those', 'cut after', 1],
    ['does not answer in time', 'hang', 0],
  ])(
    'since it %s is asked once, is told as an error, and asked anew by who asks again',
    async (_why, fault, lost) => {
      const dynamic = h.dynamic();
      const run = await h.claim(both(dynamic));
      h.fake.failNext(dynamic.path, 1, fault);
      await expect(h.resolve(run, both(dynamic))).rejects.toMatchObject({ status: 503 });
      expect(h.fake.callsTo(dynamic.path)).toBe(1);
      expect(await h.rows(run.job_id)).toEqual([]);
      expect(await h.resolve(run, both(dynamic))).toMatchObject({ [dynamic.user]: expect.any(String) });
      expect(live(dynamic)).toBe(1 + lost);
    },
  );

  it('since it denies that is an error, and no other token is made for it', async () => {
    const dynamic = h.dynamic();
    const run = await h.claim(both(dynamic));
    h.fake.deny(dynamic.path);
    const logins = h.fake.callsTo('auth/approle/login');
    await expect(h.resolve(run, both(dynamic))).rejects.toMatchObject({ fault: 'denied' });
    expect(h.fake.callsTo('auth/approle/login')).toBe(logins);
  });

  it.each<[string, Record<string, unknown> | undefined, string]>([
    ['has nothing there', undefined, 'there is nothing at'],
    ['gives no lease', { username: 'fixed' }, 'gives no lease: LINECLEAR_VAULT_NAMES'],
  ])('since it %s says so', async (_what, data, says) => {
    const mount = 'database';
    h.fake.mountKv(mount, 1);
    const { path, user } = h.dynamic();
    h.fake.removeDynamic(path);
    if (data) h.fake.put(mount, path.slice(mount.length + 1), data);
    const run = await h.claim([user]);
    await expect(h.resolve(run, [user])).rejects.toThrow(says);
  });

  it.each<[string, Record<string, unknown>]>([
    ['has no such key', { other: 'x' }],
    ['has a part that cannot be handed on', { username: 'u', pin: 2 ** 64 }],
  ])('that %s gives nothing, and leaves no lease behind', async (_what, data) => {
    const dynamic = h.dynamic({ ttlSeconds: HOUR, data });
    const run = await h.claim(both(dynamic));
    await expect(h.resolve(run, both(dynamic))).rejects.toMatchObject({ fault: 'unreadable' });
    await endJob(h.house.peer, run);
    await gone(run);
    expect(live(dynamic)).toBe(0);
  });
});

it('counts what was asked for, and what of it needed no Vault', async () => {
  const dynamic = h.dynamic();
  const kind = 'kind="dynamic"';
  const asked = await h.metric('vault_secret_requests_total', kind);
  const hits = await h.metric('vault_secret_cache_hits_total', kind);
  const run = await h.claim(both(dynamic));
  for (let at = 0; at < 2; at += 1) await h.resolve(run, both(dynamic));
  expect(await h.metric('vault_secret_requests_total', kind)).toBe(asked + 2);
  expect(await h.metric('vault_secret_cache_hits_total', kind)).toBe(hits + 1);
});

it('refuses a run that is not claimed before Vault is asked', async () => {
  const dynamic = h.dynamic();
  const run = await h.claim(['HF_TOKEN']);
  await expect(h.resolve(run, both(dynamic))).rejects.toThrow('does not name');
  await expect(h.resolve({ ...run, job_id: newJobId() }, both(dynamic))).rejects.toThrow('nothing was heard');
  expect(h.fake.callsTo(dynamic.path)).toBe(0);
});
