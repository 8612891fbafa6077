import { startService } from '@lineclear/kit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { answerSecrets, openBench, PATIENCE, type Bench } from './bench.js';
import { startListingProvider, type ListingProvider } from './listing-provider.js';

// So slow that nothing comes in while a test runs.
const RATE = { perSecond: 0.001, burst: 4 };
const SOON = { perSecond: 10, burst: 2 };
const NAMES = ['shared', 'busy', 'looked-at', 'paged', 'paged-soon'] as const;

let providers: Record<(typeof NAMES)[number], ListingProvider>;
let bench: Bench;
const adapters = () => Object.values(providers).map((provider) => provider.adapter());

beforeAll(async () => {
  const started = NAMES.map(
    async (name) =>
      [
        name,
        await startListingProvider(
          name,
          { rate: name === 'paged-soon' ? SOON : RATE },
          name.startsWith('paged') ? 1 : 100,
        ),
      ] as const,
  );
  providers = Object.fromEntries(await Promise.all(started)) as typeof providers;
  // Nobody takes a step over that a slow machine is late with: what its call took out of the bucket would be gone.
  bench = await openBench({ LINECLEAR_LEASE_SECONDS: '15', LINECLEAR_SUBMIT_SETTLE_SECONDS: '10' }, adapters);
  answerSecrets(bench.peer, { CLOUD_TOKEN: 'one' });
});
afterAll(async () => {
  await bench?.stop();
  await Promise.all(Object.values(providers ?? {}).map((provider) => provider.close()));
});

const claims = (provider: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => bench.claim({ provider })));
/** How many runs of a provider are accepted, and how many wait for leave to be submitted. */
const standing = async (provider: string): Promise<unknown> => {
  const [row] = await bench.service.database.query(
    `select count(*) filter (where state = 'active') as active,
            count(*) filter (where state = 'intended' and failures = 0 and next_action_at > now() + interval '30 seconds') as waiting
       from runs where provider = $1`,
    [provider],
  );
  return row;
};
const becomes = (provider: string, expected: { active: number; waiting: number }): Promise<void> =>
  vi.waitFor(async () => expect(await standing(provider)).toEqual(expected), PATIENCE);

/** Makes the account of a provider due, and waits until it was swept or that was put off. */
async function sweep(provider: string): Promise<void> {
  await bench.service.database.query('update sweeps set next_at = now() where provider = $1', [provider]);
  await vi.waitFor(
    async () =>
      expect(
        await bench.service.database.query(
          `select from sweeps where provider = $1 and lease_owner is null and failures = 0 and next_at > now() + interval '30 seconds'`,
          [provider],
        ),
      ).toHaveLength(1),
    PATIENCE,
  );
}

it('makes no more calls on an account than its rate allows, all replicas together', async () => {
  const second = await startService(define(bench.env, { adapters: adapters() }));
  try {
    await claims('shared', 12);
    await becomes('shared', { active: 4, waiting: 8 });
    expect(providers.shared.http.calls).toEqual({ submit: 4 });
  } finally {
    await second.close();
  }
});

it('calls nobody on an account for as long as its provider asks for', async () => {
  const { http } = providers.busy;
  http.failNext('submit', { status: 429, headers: { 'retry-after': '600' } });
  const [first] = await claims('busy', 1);
  await vi.waitFor(async () => expect((await bench.row(first!))['failures']).toBe(1), PATIENCE);
  await claims('busy', 3);
  await becomes('busy', { active: 0, waiting: 3 });
  expect(http.calls).toEqual({ submit: 1 });
  const [bucket] = await bench.service.database.query<{ seconds: number }>(
    `select full_at_ms / 1000 - extract(epoch from now()) as seconds from account_rates where account like 'busy %'`,
  );
  expect(bucket!.seconds).toBeGreaterThan(500 + RATE.burst / RATE.perSecond);
});

it('leaves some of the rate for submits when it looks', async () => {
  const { http } = providers['looked-at'];
  await claims('looked-at', 1);
  await becomes('looked-at', { active: 1, waiting: 0 });
  await sweep('looked-at');
  await vi.waitFor(() => expect(http.calls).toEqual({ submit: 1, list: 1, get: 1 }), PATIENCE);
  await sweep('looked-at');
  expect(http.calls).toEqual({ submit: 1, list: 1, get: 1 });
  await claims('looked-at', 2);
  await becomes('looked-at', { active: 2, waiting: 1 });
  expect(http.calls).toEqual({ submit: 2, list: 1, get: 1 });
});

it('takes one call of the rate for each page of a list, and leaves some for submits', async () => {
  const { http } = providers.paged;
  await claims('paged', 2);
  await becomes('paged', { active: 2, waiting: 0 });
  await sweep('paged');
  expect(http.calls).toEqual({ submit: 2, list: 1 });
  await claims('paged', 1);
  await becomes('paged', { active: 3, waiting: 0 });
});

it('waits for the next page of a list where that is not long', async () => {
  const { http } = providers['paged-soon'];
  await claims('paged-soon', 4);
  await becomes('paged-soon', { active: 4, waiting: 0 });
  await sweep('paged-soon');
  expect(http.calls).toMatchObject({ submit: 4, list: 1, page: 3 });
});
