import { resolveSecrets, secretChanged, type RequestOf } from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

type OnBehalf = NonNullable<
  Extract<RequestOf<typeof resolveSecrets>['for'], { purpose: 'provider' }>['on_behalf']
>;
const NAME = 'CLOUD_TOKEN';

let bench: Bench;
/** Whose credential is asked for, oldest first. */
let asked: OnBehalf[];
/** What the secrets service gives for a job. */
let given: (on: OnBehalf) => { scope: string; version: number; value: string };

beforeAll(async () => {
  bench = await openBench();
});
afterAll(async () => bench?.stop());

beforeEach(() => {
  asked = [];
  given = ({ user_id: id }) => ({ scope: `user:${id}`, version: 1, value: `key-of-${id}-1` });
  bench.provider.set({
    accounts: { 'key-of-1-1': 'one', 'key-of-1-2': 'one', 'key-of-2-1': 'two', shared: 'everybody' },
  });
  bench.peer.answer(resolveSecrets, async ({ public_key, for: on }) => {
    if (on.purpose !== 'provider' || !on.on_behalf) throw new Error('of nobody');
    asked.push(on.on_behalf);
    const { scope, version, value } = given(on.on_behalf);
    return {
      missing: [],
      box: await sealTo(public_key, JSON.stringify({ [NAME]: value })),
      used: [{ name: NAME, scope, source: 'store', version }],
    };
  });
});

const submitted = async (claim: Claim): Promise<void> =>
  vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
const looks = async (claim: Claim, more = 2): Promise<void> => {
  const { polls } = bench.provider.run(keyOf(claim))!;
  await vi.waitFor(
    () => expect(bench.provider.run(keyOf(claim))!.polls).toBeGreaterThan(polls + more),
    PATIENCE,
  );
};
const finished = async (claim: Claim): Promise<void> => {
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
};

it('runs each job on the account of the person whose it is, and asks for it once', async () => {
  const one = await bench.claim({ provider: 'keyed', user_id: 1, team_id: 3, org_id: 4 });
  const two = await bench.claim({ provider: 'keyed', user_id: 2 });
  await Promise.all([submitted(one), submitted(two)]);
  expect(bench.provider.run(keyOf(one))).toMatchObject({ account: 'one' });
  expect(bench.provider.run(keyOf(two))).toMatchObject({ account: 'two' });
  await Promise.all([looks(one), looks(two)]);
  expect(asked.filter(({ user_id }) => user_id === 1)).toEqual([
    { job_id: one.job_id, attempt: 1, user_id: 1, team_id: 3, org_id: 4 },
  ]);
  expect(asked).toHaveLength(2);
  await bench.cancel(two);
  expect(await bench.end(two)).toMatchObject({ outcome: 'cancelled' });
  await finished(one);
});

it('says for every run whose key it is to be, and shares what is kept between runs of one account', async () => {
  const claims = [];
  for (let n = 0; n < 3; n += 1) claims.push(await bench.claim({ provider: 'keyed', user_id: 1 }));
  await Promise.all(claims.map(submitted));
  expect(new Set(asked.map(({ job_id }) => job_id)).size).toBe(3);
  expect(asked).toHaveLength(3);
  // What is kept goes when the secret changes, and one run asks for all.
  await bench.peer.publish(secretChanged, { name: NAME, scope: 'user:1', version: 1 });
  await Promise.all(claims.map((claim) => looks(claim)));
  expect(asked).toHaveLength(4);
  for (const claim of claims) await finished(claim);
});

it('stays on the account that a run was submitted with, also in a process that never saw it', async () => {
  const places = new Map<string, ReturnType<typeof given>>();
  let now = { scope: 'global', version: 1, value: 'shared' };
  // As the secrets service does: an attempt is given the same again.
  given = ({ job_id }) => places.get(job_id) ?? (places.set(job_id, now), now);
  const claim = await bench.claim({ provider: 'keyed', user_id: 1 });
  await submitted(claim);
  now = { scope: 'user:1', version: 1, value: 'key-of-1-1' };
  await bench.restart();
  await looks(claim);
  expect(asked).toHaveLength(2);
  expect(bench.provider.run(keyOf(claim))).toMatchObject({ account: 'everybody' });
  await finished(claim);
});

it('looks for a lost submit on the account that it may have been made on', async () => {
  bench.provider.failNext('submit', 1, 'lose the answer');
  const claim = await bench.claim({ provider: 'keyed', user_id: 2 });
  await submitted(claim);
  expect(bench.provider.runsOf(keyOf(claim))).toBe(1);
  expect(bench.provider.run(keyOf(claim))).toMatchObject({ account: 'two' });
  await finished(claim);
});

it('goes on with the newer key of the same account when the provider takes the old one no more', async () => {
  given = ({ refused_version: refused }) => {
    const version = refused === 1 ? 2 : 1;
    return { scope: 'user:1', version, value: `key-of-1-${version}` };
  };
  const claim = await bench.claim({ provider: 'keyed', user_id: 1 });
  await submitted(claim);
  bench.provider.set({ accounts: { 'key-of-1-2': 'one' } });
  await vi.waitFor(() => expect(asked.at(-1)).toMatchObject({ refused_version: 1 }), PATIENCE);
  await looks(claim);
  await finished(claim);
});

it('asks for the newer key also where the provider had put the run off before', async () => {
  given = ({ refused_version: refused }) => {
    const version = refused === 1 ? 2 : 1;
    return { scope: 'user:1', version, value: `key-of-1-${version}` };
  };
  const { submit } = bench.provider.calls;
  bench.provider.failNext('submit', 1, { status: 429, retryAfterSeconds: 1 });
  const claim = await bench.claim({ provider: 'keyed', user_id: 1 });
  await vi.waitFor(() => expect(bench.provider.calls.submit).toBe(submit + 1), PATIENCE);
  bench.provider.set({ accounts: { 'key-of-1-2': 'one' } });
  await submitted(claim);
  expect(bench.ended(claim)).toEqual([]);
  await finished(claim);
});

it('ends a run that nobody has a key for, with what to do, and calls no provider', async () => {
  const submits = bench.provider.calls.submit;
  bench.peer.answer(resolveSecrets, () => {
    throw Object.assign(new Error('jobs of keyed run on ... (policy user_only): set your own'), {
      code: 'no_provider_credential',
    });
  });
  const claim = await bench.claim({ provider: 'keyed', user_id: 9 });
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('policy user_only'),
  });
  expect(bench.provider.calls.submit).toBe(submits);
});
