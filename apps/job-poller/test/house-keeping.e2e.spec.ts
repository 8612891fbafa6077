import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from '../src/config.js';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench } from './bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(async () => bench?.stop());

it('has the tables that its entities say', async () => {
  const { upQueries } = await bench.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
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
