import { resolveSecrets, secretChanged } from '@lineclear/contracts';
import { sealTo, startService } from '@lineclear/kit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';
import { startListingProvider, type ListingProvider } from './listing-provider.js';

const LONG = { timeout: 60_000, interval: 50 };
const EACH = 250;

let provider: ListingProvider;
let bench: Bench;
let version = 1;
const claims: Claim[] = [];

beforeAll(async () => {
  provider = await startListingProvider('listing');
  bench = await openBench(
    // No step is taken over from a slow machine, and made twice.
    { LINECLEAR_LEASE_SECONDS: '15', LINECLEAR_SUBMIT_SETTLE_SECONDS: '10' },
    () => [provider.adapter()],
  );
  bench.peer.answer(resolveSecrets, async ({ public_key, for: on }) => {
    if (on.purpose !== 'provider' || !on.on_behalf) throw new Error('of nobody');
    const account = on.on_behalf.user_id === 1 ? 'one' : 'two';
    return {
      missing: [],
      box: await sealTo(public_key, JSON.stringify({ CLOUD_TOKEN: `${account}-${version}` })),
      used: [{ name: 'CLOUD_TOKEN', scope: `user:${on.on_behalf.user_id}`, source: 'store', version }],
    };
  });
});
afterAll(async () => {
  await bench?.stop();
  await provider?.close();
});

const calls = (call: string): number => provider.http.calls[call] ?? 0;
const sweeps = (): Promise<{ account: string; failures: number; rests: boolean; waits: boolean }[]> =>
  bench.service.database.query(
    `select account, failures, lease_owner is null as rests, next_at > now() + interval '30 seconds' as waits from sweeps order by account`,
  );
const rows = (): Promise<unknown[]> =>
  bench.service.database.query(
    'select id, state, remote_state, missing_count, failures, version from runs order by id',
  );

/** Makes every account due; waits until all were swept and what that asked for is done. Gives how many calls it took. */
async function sweep(): Promise<{ lists: number; pages: number; gets: number }> {
  const before = { lists: calls('list'), pages: calls('page'), gets: calls('get') };
  await bench.service.database.query('update sweeps set next_at = now()');
  await vi.waitFor(async () => {
    expect((await sweeps()).every(({ rests, waits }) => rests && waits)).toBe(true);
    expect(
      await bench.service.database.query(
        'select from runs where lease_owner is not null or next_action_at <= now() limit 1',
      ),
    ).toEqual([]);
  }, LONG);
  return {
    lists: calls('list') - before.lists,
    pages: calls('page') - before.pages,
    gets: calls('get') - before.gets,
  };
}

beforeEach(async () => {
  if (claims.length > 0) return;
  for (let n = 0; n < EACH * 2; n += 1)
    claims.push(await bench.claim({ provider: 'listing', user_id: 1 + (n % 2) }));
  await vi.waitFor(
    async () =>
      expect(
        await bench.service.database.query(
          `select account, count(*) as count from runs where state = 'active' group by 1 order by 1`,
        ),
      ).toEqual([
        { account: 'listing store user:1', count: EACH },
        { account: 'listing store user:2', count: EACH },
      ]),
    LONG,
  );
  // Each was only accepted until now: that it runs is news, once.
  expect(await sweep()).toMatchObject({ lists: 2, gets: EACH * 2 });
}, 120_000);

it('asks a provider once for all runs of an account, and for none by itself while nothing changes', async () => {
  const before = await rows();
  expect(await sweep()).toEqual({ lists: 2, pages: 4, gets: 0 });
  expect(await sweep()).toEqual({ lists: 2, pages: 4, gets: 0 });
  expect(await rows()).toEqual(before);
  const seen =
    'select count(*) as count from runs where listed_at = last_observed_at and listed_at > looked_at';
  expect(await bench.service.database.query(seen)).toEqual([{ count: EACH * 2 }]);
});

it('looks by itself at just the runs that changed, ended or are gone', async () => {
  const [first, second, third] = claims;
  provider.runs.get(keyOf(first!))!.state = 'succeeded';
  provider.runs.get(keyOf(second!))!.state = 'failed';
  provider.runs.get(keyOf(third!))!.state = 'cancelled';
  expect(await sweep()).toMatchObject({ lists: 2, gets: 3 });
  expect(await bench.end(first!)).toMatchObject({ outcome: 'succeeded' });
  expect(await bench.end(second!)).toMatchObject({ outcome: 'failed' });
  expect(await bench.end(third!)).toMatchObject({ outcome: 'cancelled' });
  expect(await sweep()).toMatchObject({ lists: 2, gets: 0 });
});

it('notices the end of a run at once though a look at it had failed before its account was listed', async () => {
  const claim = claims[3]!;
  await sweep();
  await bench.service.database.query(
    'update runs set failures = 1, next_action_at = now() where job_id = $1',
    [claim.job_id],
  );
  // Its step now takes it for what the list says.
  expect(await sweep()).toMatchObject({ lists: 2, gets: 0 });
  provider.runs.get(keyOf(claim))!.state = 'succeeded';
  expect(await sweep()).toMatchObject({ lists: 2, gets: 1 });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it.each([
  ['a list that fails', 'list', { status: 503 }],
  ['a page that fails', 'page', { status: 500 }],
  ['a provider that is busy', 'list', { status: 429, headers: { 'retry-after': '60' } }],
  ['a credential that is not taken', 'list', { status: 401 }],
  ['a list that breaks off', 'page', 'lose the answer'],
] as const)('puts a sweep off, and no run, for %s', async (_, call, fault) => {
  const before = await rows();
  const gets = calls('get');
  provider.http.failNext(call, fault);
  await bench.service.database.query(
    `update sweeps set next_at = now() where account = 'listing store user:2'`,
  );
  await vi.waitFor(async () => {
    const [, two] = await sweeps();
    // It may have been made again already, where it was put off for a moment only.
    expect(two).toMatchObject({ rests: true, waits: true });
    expect(provider.listsOf.get('two')).toBeGreaterThan(0);
  }, LONG);
  expect(await rows()).toEqual(before);
  expect(calls('get')).toBe(gets);
  expect(await sweep()).toMatchObject({ gets: 0 });
  expect((await sweeps()).map(({ failures }) => failures)).toEqual([0, 0]);
});

it('sweeps an account once, however many replicas there are', async () => {
  const second = await startService(define(bench.env, { adapters: [provider.adapter()] }));
  try {
    for (let round = 0; round < 3; round += 1) expect(await sweep()).toEqual({ lists: 2, pages: 4, gets: 0 });
  } finally {
    await second.close();
  }
});

it('stays with the account when its key is rotated', async () => {
  version = 2;
  await bench.peer.publish(secretChanged, { name: 'CLOUD_TOKEN', version });
  const claim = await bench.claim({ provider: 'listing', user_id: 1 });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  expect(await bench.row(claim)).toMatchObject({ account: 'listing store user:1' });
  expect(await sweep()).toMatchObject({ lists: 2, gets: 1 });
  claims.push(claim);
});

it('looks for a run that its list does not show any more until it is lost', async () => {
  const claim = claims.pop()!;
  provider.forget(keyOf(claim));
  await vi.waitFor(async () => {
    await bench.service.database.query('update sweeps set next_at = now()');
    expect(bench.ended(claim)).toHaveLength(1);
  }, LONG);
  expect(bench.ended(claim)[0]).toMatchObject({ outcome: 'lost' });
});

it('sweeps no account without runs', async () => {
  for (const [, run] of provider.runs) run.state = 'succeeded';
  await sweep();
  await vi.waitFor(
    async () =>
      expect(await bench.service.database.query(`select from runs where state <> 'ended'`)).toEqual([]),
    LONG,
  );
  expect(await sweep()).toEqual({ lists: 0, pages: 0, gets: 0 });
});
