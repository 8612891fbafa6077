import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client, people, startFakeRunpodPods, type Client, type FakeRunpodPods } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench } from './bench.js';
import { startListingProvider, type ListingProvider } from './listing-provider.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-discovered-'));
let fake: FakeRunpodPods;
let limited: ListingProvider;
let bench: Bench;
let admin: Client;
let researcher: Client;

beforeAll(async () => {
  fake = await startFakeRunpodPods({ token: 'key' });
  limited = await startListingProvider('limited', { rate: { perSecond: 0.001, burst: 1 } });
  const config = join(dir, 'lineclear.json');
  const pods = { type: 'runpod_pods', base_url: fake.url };
  const providers = { pods: { ...pods, secret: 'KEY' }, keyless: { ...pods, secret: 'NO_SUCH' } };
  writeFileSync(config, JSON.stringify({ providers }));
  bench = await openBench({ LINECLEAR_CONFIG: config }, () => [limited.adapter()]);
  answerSecrets(bench.peer, { KEY: 'key', CLOUD_TOKEN: 'one' });
  const folk = await people(bench.peer);
  admin = client(bench.service.url, folk.add('admin').token);
  researcher = client(bench.service.url, folk.add('researcher').token);
});
afterAll(async () => {
  await bench?.stop();
  await Promise.all([fake, limited].map((one) => one?.close()));
  rmSync(dir, { recursive: true });
});

const path = (provider: string): string => `/api/cloud/providers/${provider}/discovered`;

it('lists what was started elsewhere, the newest first, and nothing of ours', async () => {
  const claim = await bench.claim({
    provider: 'pods',
    config: { image: 'acme/trainer:2', command: ['train'] },
    hardware: 'NVIDIA A40',
  });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  // Ours by its id alone: somebody gave it another name.
  Object.assign(
    fake.pods.find(({ name }) => name === keyOf(claim))!,
    { name: 'renamed' },
  );
  fake.add({ id: 'p1', name: 'by hand', status: 'RUNNING', createdAt: '2026-11-27T10:00:00Z' });
  fake.add({ id: 'p2', name: 'also', status: 'PONDERING', createdAt: '2026-11-28T10:00:00Z' });
  expect(await admin.get(path('pods'))).toMatchObject({
    status: 200,
    body: {
      discovered: [
        { external_id: 'p2', title: 'also', state: null },
        { external_id: 'p1', title: 'by hand', state: 'running' },
      ],
      total: 2,
    },
  });
});

it('shows it to administrators alone', async () => {
  expect((await researcher.get(path('pods'))).status).toBe(403);
  expect((await client(bench.service.url).get(path('pods'))).status).toBe(401);
});

it.each(['local', 'nobody', 'keyless'])('has nothing of %s, which nobody can list', async (provider) => {
  expect((await admin.get(path(provider))).status).toBe(404);
});

it('says when a provider does not answer, without its words', async () => {
  fake.failNext('list', { status: 500, body: { error: 'key of somebody' } });
  const answer = await admin.get(path('pods'));
  expect(answer.status).toBe(503);
  expect(JSON.stringify(answer.body)).not.toContain('somebody');
});

it('makes no more calls than the rate of the account allows', async () => {
  expect((await admin.get(path('limited'))).status).toBe(200);
  const answer = await admin.get(path('limited'));
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(limited.http.calls).toEqual({ list: 1 });
});
