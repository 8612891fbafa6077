import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pollerPrices, type ReplyOf } from '@lineclear/contracts';
import { startService } from '@lineclear/kit';
import { startFakeRunpodPods, type FakeRunpodPods } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { ReadPrices } from '../src/jobs/read-prices.js';
import { answerSecrets, openBench, PATIENCE, type Bench } from './bench.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-prices-'));
const GPUS = [{ id: 'A40', price: { secure: 0.4 }, maxCount: { secure: 1 } }];

let fake: FakeRunpodPods;
let bench: Bench;
beforeAll(async () => {
  fake = await startFakeRunpodPods({ token: 'key' });
  fake.gpus = GPUS;
  const config = join(dir, 'lineclear.json');
  const pods = { type: 'runpod_pods', base_url: fake.url };
  const providers = { pods: { ...pods, secret: 'KEY' }, keyless: { ...pods, secret: 'NO_SUCH' } };
  writeFileSync(config, JSON.stringify({ providers }));
  bench = await openBench({ LINECLEAR_CONFIG: config });
  answerSecrets(bench.peer, { KEY: 'key' });
});
afterAll(async () => {
  await bench?.stop();
  await fake?.close();
  rmSync(dir, { recursive: true });
});

const prices = (provider = 'pods'): Promise<ReplyOf<typeof pollerPrices>> =>
  bench.peer.ask(pollerPrices, { provider });
/** Has all lists read as if an hour had gone by, and waits for it. */
async function read(): Promise<void> {
  await bench.service.database.query('update provider_prices set next_at = now()');
  await bench.service.app.get(ReadPrices).process();
}
const row = async (): Promise<{ waits: boolean } | undefined> =>
  (
    await bench.service.database.query<{ waits: boolean }>(
      `select next_at > now() + interval '50 minutes' as waits from provider_prices where provider = 'pods'`,
    )
  )[0];

it('reads the price list of a provider when it starts, and once in an hour', async () => {
  await vi.waitFor(async () => expect(await row()).toBeDefined(), PATIENCE);
  await read();
  const { hardware, read_at } = await prices();
  expect(hardware).toMatchObject({ A40: { cost_per_hour_usd: 0.4, gpus: 1 } });
  expect(read_at).toBeDefined();
  expect(await row()).toEqual({ waits: true });
  const before = fake.calls['catalog'];
  await bench.service.app.get(ReadPrices).process();
  expect(fake.calls['catalog']).toBe(before);
});

it('keeps the old list when there is no new one', async () => {
  await read();
  const before = await prices();
  fake.failNext('catalog', { status: 503 });
  await read();
  expect(await prices()).toEqual(before);
  expect(await row()).toEqual({ waits: false });
});

it('has each list read by one replica', async () => {
  const second = await startService(define(bench.env));
  try {
    await read();
    const before = fake.calls['catalog'] ?? 0;
    await bench.service.database.query('update provider_prices set next_at = now()');
    await Promise.all([bench.service, second].map(({ app }) => app.get(ReadPrices).process()));
    expect(fake.calls['catalog']).toBe(before + 1);
  } finally {
    await second.close();
  }
});

it('has no prices of a provider whose list nobody can read, or that there is none of', async () => {
  await read();
  expect(await prices('keyless')).toEqual({ hardware: {} });
  expect(await prices('nobody')).toEqual({ hardware: {} });
});
