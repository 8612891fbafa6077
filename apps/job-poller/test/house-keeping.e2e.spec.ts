import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderConfigOf } from '@lineclear/kit';
import { client, startFakeProvider } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from '../src/config.js';
import { HttpAdapter } from '../src/adapters/http.js';
import { RunsRepo } from '../src/db/runs.repo.js';
import { answerSecrets, claimOf, keyOf, openBench, PATIENCE, type Bench } from './bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(async () => bench?.stop());

it('has the tables that its entities say', async () => {
  const { upQueries } = await bench.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

/** Thrown to leave no trace of what a test wrote. */
class Undo extends Error {}

it('has a lease begin when it is written, however old the transaction is', async () => {
  const work = bench.service.database.tx(async (tx) => {
    await tx.query('select 1');
    const lease = { owner: '00000000-0000-4000-8000-000000000002', ms: 0 };
    await new RunsRepo().insertNew(tx, [{ data: claimOf(), traceparent: undefined }], lease);
    expect(
      await tx.query(
        'select submit_started_at > now() as started, lease_until > now() as leased from runs where lease_owner = $1',
        [lease.owner],
      ),
    ).toEqual([{ started: true, leased: true }]);
    throw new Undo();
  });
  await expect(work).rejects.toThrow(Undo);
});

it('does not let a step end once more what a cancel has ended under it', async () => {
  const runs = new RunsRepo();
  const work = bench.service.database.tx(async (tx) => {
    const lease = { owner: '00000000-0000-4000-8000-000000000002', ms: 60_000 };
    const claim = claimOf();
    const [added] = await runs.insertNew(tx, [{ data: claim, traceparent: undefined }], lease);
    await tx.query(`update runs set state = 'intended' where id = $1`, [added?.id]);
    const taken = await runs.find(tx, claim.job_id, 1);
    expect(await runs.endIntended(tx, taken!.id, 'cancelled')).toMatchObject({ state: 'ended' });
    const step = { run: { ...taken!, state: 'ended' as const }, nextInMs: 0, knewStop: true };
    expect(await runs.store(tx, [step], lease.owner)).toEqual(new Map());
    throw new Undo();
  });
  await expect(work).rejects.toThrow(Undo);
});

it('counts runs and calls', async () => {
  bench.provider.set({ finish: 'never' });
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.observed(claim)).not.toEqual([]), PATIENCE);
  const { body } = await client(bench.service.url).get('/metrics');
  expect(body).toMatch(/lineclear_runs\{provider="cloud",state="active",service="job-poller"\} 1/);
  expect(body).toMatch(
    /lineclear_provider_calls_total\{provider="cloud",call="submit",outcome="ok",service="job-poller"\} 1/,
  );
  expect(body).toMatch(/lineclear_dispatch_delay_seconds_count\{[^}]*provider="cloud"[^}]*\} 1/);
});

it('is ready though a provider is away', async () => {
  await bench.claim({ provider: 'away' });
  await vi.waitFor(() => expect(bench.errors().map(({ provider }) => provider)).toContain('away'), PATIENCE);
  expect((await client(bench.service.url).get('/health/ready')).status).toBe(200);
});

it('takes secrets out of what a provider prints and repeats', async () => {
  const canary = 'canary-of-the-cloud-91c2';
  answerSecrets(bench.peer, { HF_TOKEN: canary });
  const claim = await bench.claim({ secrets: ['HF_TOKEN'] });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  expect(bench.provider.bodies.at(-1)).toMatchObject({ env: { HF_TOKEN: canary } });
  bench.provider.change(keyOf(claim), {
    log: `using ${canary}\n`,
    status: 'failed',
    message: `bad token ${canary}`,
  });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'failed', message: 'bad token [secret]' });
  const [row] = await bench.service.database.query<{ text: string }>(
    'select string_agg(text, $1) as text from run_logs',
    [''],
  );
  expect(row?.text).toContain('using [secret]\n');

  bench.provider.failNext('submit', 1, { status: 400, body: { error: `refused ${canary}` } });
  const refused = await bench.claim({ secrets: ['HF_TOKEN'] });
  expect((await bench.end(refused)).message).toContain('refused [secret]');
  expect(JSON.stringify([await bench.row(claim), await bench.row(refused)])).not.toContain(canary);
});

it('takes secrets out of the errors of a provider, wherever they are cut', async () => {
  const canary = 'canary-of-the-cloud-5d18';
  answerSecrets(bench.peer, { HF_TOKEN: canary });
  bench.provider.set({ finish: 'at once' });
  await vi.waitFor(
    async () =>
      expect(
        await bench.service.database.query(`select from runs where provider = 'cloud' and state <> 'ended'`),
      ).toEqual([]),
    PATIENCE,
  );
  bench.provider.set({ finish: 'never' });
  const claim = await bench.claim({ secrets: ['HF_TOKEN'] });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.failNext('status', 1, { status: 500, body: { error: `${'x'.repeat(280)} ${canary}` } });
  await vi.waitFor(
    () => expect(bench.errors().filter(({ provider }) => provider === 'cloud')).toHaveLength(1),
    PATIENCE,
  );
  const [error] = bench.errors().filter(({ provider }) => provider === 'cloud');
  expect(error?.message).toContain('xxx');
  expect(error?.message).not.toContain('canary');
});

it('refuses a configuration under which a run could be made twice', () => {
  expect(() => readConfig({ ...bench.env, LINECLEAR_SUBMIT_SETTLE_SECONDS: '1.2' })).toThrow(
    'LINECLEAR_SUBMIT_SETTLE_SECONDS',
  );
});

it('looks at all runs as often as the configuration file says', () => {
  const path = join(bench.backends.dir, 'polling.yaml');
  writeFileSync(path, 'background: {job_status_polling: {enabled: true, interval_seconds: 7}}');
  expect(readConfig({ ...bench.env, LINECLEAR_CONFIG: path }).file.background.job_status_polling).toEqual({
    enabled: true,
    interval_seconds: 7,
  });
});

it('takes a cost that no contract holds for none', async () => {
  const provider = await startFakeProvider();
  const config = { ...readConfig(bench.env).file.providers['cloud'], base_url: provider.url };
  const adapter = new HttpAdapter('cloud', config as ProviderConfigOf<'http'>, 5_000);
  provider.failNext('status', 1, { status: 200, body: { status: 'succeeded', cost: 1e12 } });
  provider.failNext('status', 1, { status: 200, body: { status: 'succeeded', cost: 2.5 } });
  const look = async () => (await adapter.get(['run-1'], undefined)).get('run-1');
  expect(await look()).toEqual({ state: 'succeeded', word: 'succeeded' });
  expect(await look()).toEqual({ state: 'succeeded', word: 'succeeded', costUsd: 2.5 });
  await adapter.close();
  await provider.close();
});
