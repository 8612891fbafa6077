import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeProviderConfig, startFakeProvider, type FakeProvider } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-ends-'));
let fake: FakeProvider;
let bench: Bench;

beforeAll(async () => {
  fake = await startFakeProvider({ finish: 'never' });
  const config = join(dir, 'lineclear.json');
  const often = { poll_interval_seconds: 0.05 };
  const removes = { cancel: { method: 'DELETE', path: '/runs/{external_id}' }, poll_interval_seconds: 3_600 };
  writeFileSync(
    config,
    JSON.stringify({
      providers: {
        removing: fakeProviderConfig(fake.url, removes),
        watched: fakeProviderConfig(fake.url, often),
        stubborn: fakeProviderConfig(fake.url, often),
        endless: fakeProviderConfig(fake.url, { ...often, cancel: undefined }),
      },
    }),
  );
  bench = await openBench({ LINECLEAR_CONFIG: config });
});
beforeEach(() => fake.set({ finish: 'never' }));
afterAll(async () => {
  await bench?.stop();
  await fake?.close();
  rmSync(dir, { recursive: true });
});

const starts = async (provider: string): Promise<Claim> => {
  const claim = await bench.claim({ provider });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  return claim;
};
const change = (claim: Claim, set: string): Promise<unknown> =>
  bench.service.database.query(`update runs set ${set} where job_id = $1`, [claim.job_id]);
/** The provider says "not found" of all runs from now on, though they are there. */
const disown = (): void => fake.failNext('status', 1_000, { status: 404 });

it('ends a run that was stopped as soon as it is gone, where a stop takes runs away', async () => {
  const claim = await starts('removing');
  await change(claim, 'next_action_at = now()');
  await vi.waitFor(() => expect(bench.observed(claim)).toHaveLength(1), PATIENCE);
  await bench.cancel(claim);
  // By a second look it would end in an hour.
  expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });
});

it('does not take a run for stopped that was never seen', async () => {
  const claim = await starts('removing');
  await bench.cancel(claim);
  await vi.waitFor(async () => expect((await bench.row(claim))['missing_count']).toBe(1), PATIENCE);
  expect(await bench.row(claim)).toMatchObject({ state: 'cancelling' });
});

it('gives up a run of which nothing was heard only when it is stopped', async () => {
  const claim = await starts('removing');
  const [longAgo, before] = [`now() - interval '2 days'`, fake.calls.cancel];
  await change(
    claim,
    `submit_started_at = ${longAgo}, last_observed_at = ${longAgo}, next_action_at = now()`,
  );
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'lost',
    message: 'nothing was heard of the run any more',
  });
  expect(fake.calls.cancel).toBe(before + 1);
});

it('ends a lost run that nobody can stop', async () => {
  const claim = await starts('endless');
  const before = fake.calls.cancel;
  fake.forget(keyOf(claim));
  expect(await bench.end(claim)).toMatchObject({ outcome: 'lost' });
  expect(fake.calls.cancel).toBe(before);
});

it('stops a run that is lost, which may be there all the same', async () => {
  const claim = await starts('watched');
  const before = fake.calls.cancel;
  fake.failNext('cancel', 2, { status: 500 });
  disown();
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'lost',
    message: 'the provider does not know the run any more',
  });
  expect(fake.run(keyOf(claim))).toMatchObject({ status: 'cancelled' });
  expect(fake.calls.cancel).toBe(before + 3);
});

it('says of a lost run that cannot be stopped that it may cost on, once, and ends it', async () => {
  const claim = await starts('stubborn');
  const id = bench.started(claim)[0]!.external_id;
  fake.failNext('cancel', 100, { status: 500 });
  disown();
  const said = `${id} could not be taken away there: it may still cost`;
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'lost',
    message: expect.stringContaining(said) as string,
  });
  const told = bench.errors().filter(({ provider, message }) => provider === 'stubborn' && message === said);
  expect(told).toHaveLength(1);
});
