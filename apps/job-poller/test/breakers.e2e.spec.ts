import { jobCancelRequested, providerDegraded, providerRestored } from '@lineclear/contracts';
import { Clock, startService, type RunningService } from '@lineclear/kit';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { answerSecrets, openBench, PATIENCE, type Bench, type Claim } from './bench.js';
import { startListingProvider, type ListingProvider } from './listing-provider.js';

const LONG = { timeout: 60_000, interval: 50 };

/** A clock that can be put forward. */
class Ahead extends Clock {
  aheadMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }
}

const clock = new Ahead();
let provider: ListingProvider;
let bench: Bench;
let second: RunningService;
const replica = (): Promise<RunningService> =>
  startService(
    define({ ...bench.env, LINECLEAR_MAX_SILENCE_SECONDS: '600' }, { clock, adapters: [provider.adapter()] }),
  );

beforeAll(async () => {
  provider = await startListingProvider('listing');
  bench = await openBench({ LINECLEAR_LEASE_SECONDS: '15', LINECLEAR_SUBMIT_SETTLE_SECONDS: '10' });
  answerSecrets(bench.peer, { CLOUD_TOKEN: 'one' });
  await bench.service.close();
  bench.service = await replica();
  second = await replica();
});
afterAll(async () => {
  await second?.close();
  await bench?.stop();
  await provider?.close();
});

const query = (sql: string): Promise<unknown[]> => bench.service.database.query(sql);
const calls = (): number => Object.values(provider.http.calls).reduce((sum, count) => sum + count, 0);
const stateOf = async (claim: Claim): Promise<unknown> => (await bench.row(claim))['state'];
const due = (): Promise<unknown[]> =>
  query(`update runs set next_action_at = now() where state <> 'ended' and lease_owner is null`);
const atRest = (): Promise<void> =>
  vi.waitFor(
    async () =>
      expect(
        await query('select from runs where lease_owner is not null or next_action_at <= now()'),
      ).toEqual([]),
    LONG,
  );

it('leaves a provider alone that is away, says so once, keeps its runs, and goes on when it is back', async () => {
  const running = await bench.claim({ provider: 'listing' });
  const stopping = await bench.claim({ provider: 'listing' });
  await vi.waitFor(() => {
    expect(bench.started(running)).toHaveLength(1);
    expect(bench.started(stopping)).toHaveLength(1);
  }, PATIENCE);

  // It goes away: each look fails, and nobody is surprised by a few that do.
  for (const call of ['submit', 'find', 'get', 'list', 'cancel'] as const)
    provider.http.failNext(call, { status: 503 }, 10_000);
  const down = calls();
  await vi.waitFor(async () => {
    await due();
    expect(calls()).toBeGreaterThan(down + 12);
  }, LONG);
  expect(bench.peer.events(providerDegraded)).toEqual([]);
  clock.aheadMs += 40_000;
  await vi.waitFor(async () => {
    await due();
    expect(bench.peer.events(providerDegraded)).toHaveLength(1);
  }, LONG);
  expect(bench.peer.events(providerDegraded)[0]!.data).toMatchObject({
    provider: 'listing',
    message: expect.stringMatching(/^none of \d+ calls was answered for \d+ seconds$/),
  });
  // One replica opened it, the other reads of it a little later: until then it calls.
  await vi.waitFor(async () => {
    for (const { url } of [bench.service, second]) {
      const { body } = await client(url).get('/metrics');
      expect(body).toMatch(/lineclear_provider_breaker_open\{provider="listing",service="job-poller"\} 1/);
    }
  }, PATIENCE);

  // Far longer than a run may be silent. Nobody is called, nothing ends, a claim waits, a cancel too.
  await query(`update provider_breakers set probe_at = now() + interval '1 hour'`);
  await query(
    `update runs set submit_started_at = now() - interval '2 hours', last_observed_at = now() - interval '2 hours',
            missing_count = 2, missing_since = now() - interval '2 hours'`,
  );
  const waiting = await bench.claim({ provider: 'listing' });
  await bench.peer.publish(jobCancelRequested, {
    job_id: stopping.job_id,
    attempt: 1,
    claim_id: stopping.claim_id,
  });
  await vi.waitFor(async () => {
    expect(await stateOf(waiting)).toBe('intended');
    expect(await stateOf(stopping)).toBe('cancelling');
  }, LONG);
  // What both replicas had begun is over once each has read that it is away.
  await atRest();
  const before = calls();
  await due();
  await atRest();
  expect(calls()).toBe(before);
  // That it was missing before says nothing once its provider was away.
  expect(await bench.row(running)).toMatchObject({ state: 'active', missing_count: 0, missing_since: null });
  expect([running, stopping, waiting].flatMap((claim) => bench.ended(claim))).toEqual([]);

  // One call sees whether it is back: not yet.
  await query('update provider_breakers set probe_at = now()');
  await vi.waitFor(async () => {
    await due();
    expect(await query('select probes from provider_breakers')).toEqual([{ probes: 1 }]);
  }, LONG);
  await atRest();
  expect(calls()).toBe(before + 1);
  expect(bench.peer.events(providerRestored)).toEqual([]);

  provider.http.mend();
  await query('update provider_breakers set probe_at = now()');
  await vi.waitFor(async () => {
    await due();
    expect(bench.peer.events(providerRestored)).toHaveLength(1);
  }, LONG);
  await vi.waitFor(async () => {
    await due();
    expect(bench.ended(stopping)).toHaveLength(1);
    expect(bench.started(waiting)).toHaveLength(1);
  }, LONG);
  expect(bench.ended(stopping)[0]).toMatchObject({ outcome: 'cancelled' });
  expect(await stateOf(running)).toBe('active');
  expect(bench.peer.events(providerDegraded)).toHaveLength(1);
  expect(bench.peer.events(providerRestored)).toHaveLength(1);
  expect(bench.peer.events(providerRestored)[0]!.data.since).toBe(
    bench.peer.events(providerDegraded)[0]!.data.since,
  );
}, 240_000);
