import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  fakeProviderConfig,
  startFakeProvider,
  startFakeReplicate,
  startFakeRunpodServerless,
  type FakeProvider,
  type FakeReplicate,
  type FakeRunpodServerless,
} from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Adapter } from '../src/adapters/adapter.js';
import type { ArrivedWebhook, Hint } from '../src/adapters/webhook.js';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';
import { startListingProvider, type ListingProvider } from './listing-provider.js';

const KEY = Buffer.from('a key of twenty-four byte');
const dir = mkdtempSync(join(tmpdir(), 'lineclear-webhooks-'));
let replicate: FakeReplicate;
let runpod: FakeRunpodServerless;
let acme: FakeProvider;
let listing: ListingProvider;
let bench: Bench;
let gate: Promise<void> | undefined;

/** Its webhooks say what to look at, under the secret itself; the answers of its looks can be held. */
function heldAdapter(): Adapter {
  const adapter = listing.adapter();
  return Object.assign(adapter, {
    webhookSecret: 'HELD_HOOK',
    verifyWebhook: ({ headers, rawBody, secret }: ArrivedWebhook): Hint | undefined =>
      headers['x-proof'] === secret.reveal() ? (JSON.parse(rawBody) as Hint) : undefined,
    get: async (...asked: Parameters<Adapter['get']>): ReturnType<Adapter['get']> => {
      const seen = await Object.getPrototypeOf(adapter).get.apply(adapter, asked);
      await gate;
      return seen;
    },
  });
}

beforeAll(async () => {
  replicate = await startFakeReplicate({ token: 'r8' });
  runpod = await startFakeRunpodServerless({ token: 'rpa', endpointId: 'e1' });
  acme = await startFakeProvider({ finish: 'never' });
  listing = await startListingProvider('held');
  const config = join(dir, 'lineclear.json');
  const of = (type: string, base_url: string, more: object): object => ({ type, base_url, ...more });
  writeFileSync(
    config,
    JSON.stringify({
      providers: {
        replicate: of('replicate', replicate.url, { secret: 'R8', webhook_secret: 'R8_HOOK' }),
        runpod: of('runpod_serverless', runpod.url, {
          endpoint_id: 'e1',
          secret: 'RPA',
          webhook_secret: 'RPA_HOOK',
        }),
        acme: fakeProviderConfig(acme.url, {
          webhook: { scheme: 'hmac-sha256', secret: 'ACME_HOOK', header: 'x-signature', id: '/id' },
        }),
        silent: fakeProviderConfig(acme.url),
        forgetful: of('replicate', replicate.url, { secret: 'R8', webhook_secret: 'NO_SUCH' }),
      },
      // Runs are looked at once an hour: what is seen sooner, a webhook showed.
      background: { job_status_polling: { enabled: false } },
    }),
  );
  bench = await openBench({ LINECLEAR_CONFIG: config, PUBLIC_URL: 'https://house.test' }, () => [
    heldAdapter(),
  ]);
  answerSecrets(bench.peer, {
    R8: 'r8',
    R8_HOOK: `whsec_${KEY.toString('base64')}`,
    RPA: 'rpa',
    RPA_HOOK: 'a secret of ours',
    ACME_HOOK: 'shh',
    CLOUD_TOKEN: 'one',
    HELD_HOOK: 'held',
  });
});
afterAll(async () => {
  await bench?.stop();
  await Promise.all([replicate, runpod, acme, listing].map((fake) => fake?.close()));
  rmSync(dir, { recursive: true });
});

const path = (provider: string): string => `/api/webhooks/providers/${provider}`;
const post = (to: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(to, bench.service.url), { method: 'POST', body, headers });
const starts = async (provider: string, config: object): Promise<Claim> => {
  const claim = await bench.claim({ provider, config: { ...config } });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  return claim;
};
const idOf = (claim: Claim): string => bench.started(claim)[0]!.external_id;
const counted = async (provider: string, outcome: string): Promise<number> => {
  const text = await (await fetch(new URL('/metrics', bench.service.url))).text();
  const line = `lineclear_provider_webhooks_total\\{.*provider="${provider}",outcome="${outcome}".*\\} (\\d+)`;
  return Number(new RegExp(line).exec(text)?.[1] ?? 0);
};

/** What Replicate would send now, or that many seconds ago. */
function fromReplicate(id: string, { ago = 0, key = KEY, status = 'failed' } = {}): Promise<Response> {
  const body = JSON.stringify({ id, status, urls: { get: `${replicate.url}/predictions/${id}` } });
  const sent = String(Math.floor(Date.now() / 1_000) - ago);
  const signature = createHmac('sha256', key).update(`m1.${sent}.${body}`).digest('base64');
  return post(path('replicate'), body, {
    'content-type': 'application/json',
    'webhook-id': 'm1',
    'webhook-timestamp': sent,
    'webhook-signature': `v1,${signature}`,
  });
}
const prediction = { version: 'abc1', input: {} };
const fromHeld = (hint: Hint): Promise<Response> =>
  post(path('held'), JSON.stringify(hint), { 'x-proof': 'held' });
const gets = (): number => replicate.calls['get'] ?? 0;

it('ends a run that would be looked at in an hour, as it is there and not as the webhook says', async () => {
  const claim = await starts('replicate', prediction);
  expect(replicate.submits.at(-1)?.body).toMatchObject({
    webhook: 'https://house.test/api/webhooks/providers/replicate',
    webhook_events_filter: ['start', 'completed'],
  });
  replicate.find(idOf(claim))!.status = 'succeeded';
  expect((await fromReplicate(idOf(claim), { status: 'failed' })).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('takes nothing from a webhook that says a run is over when it is not', async () => {
  const claim = await starts('replicate', prediction);
  replicate.find(idOf(claim))!.status = 'processing';
  await fromReplicate(idOf(claim), { status: 'succeeded' });
  await vi.waitFor(
    () => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running' }),
    PATIENCE,
  );
  expect(await bench.row(claim)).toMatchObject({ state: 'active' });
  expect(bench.ended(claim)).toEqual([]);
});

it('knows a run by the address that its provider was given', async () => {
  const claim = await starts('runpod', { input: {} });
  const { webhook } = runpod.bodies.at(-1) as { webhook: string };
  const { origin, pathname, search } = new URL(webhook);
  expect(`${origin}${pathname}`).toBe('https://house.test/api/webhooks/providers/runpod');
  Object.assign(
    runpod.jobs.find(({ id }) => id === idOf(claim))!,
    { status: 'COMPLETED' },
  );
  expect((await post(pathname + search.replace('token=', 'token=x'), '{}')).status).toBe(401);
  expect((await post(pathname + search, 'whatever it says')).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('knows the webhooks of a provider that the configuration describes', async () => {
  const claim = await starts('acme', {});
  acme.change(keyOf(claim), { status: 'succeeded' });
  const body = JSON.stringify({ id: idOf(claim) });
  const signature = createHmac('sha256', 'shh').update(body).digest('hex');
  expect((await post(path('acme'), body, { 'x-signature': signature })).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('sweeps all accounts of a provider whose webhook names no run', async () => {
  const claim = await starts('held', {});
  listing.runs.get(keyOf(claim))!.state = 'failed';
  expect((await fromHeld('all')).status).toBe(200);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'failed' });
});

it('looks again after a look that was under way when the webhook came', async () => {
  let open = (): void => undefined;
  gate = new Promise((resolve) => (open = resolve));
  const claim = await starts('held', {});
  const before = listing.http.calls['get'] ?? 0;
  await fromHeld({ runKey: keyOf(claim) });
  await vi.waitFor(() => expect(listing.http.calls['get']).toBe(before + 1), PATIENCE);
  listing.runs.get(keyOf(claim))!.state = 'succeeded';
  expect((await fromHeld({ runKey: keyOf(claim) })).status).toBe(200);
  gate = undefined;
  open();
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it.each([
  ['forged', () => fromReplicate('x', { key: Buffer.from('a guess') })],
  ['six minutes old', () => fromReplicate('x', { ago: 360 })],
  ['of a clock six minutes ahead', () => fromReplicate('x', { ago: -360 })],
  ['unsigned', () => post(path('replicate'), '{"id":"x"}')],
  ['empty', () => post(path('replicate'), '')],
  ['in another provider’s way', () => post(path('replicate'), '"all"', { 'x-proof': 'held' })],
])('refuses a webhook that is %s, and looks at nothing', async (_, send) => {
  const claim = await starts('replicate', prediction);
  replicate.find(idOf(claim))!.status = 'succeeded';
  const [before, looks, row] = [await counted('replicate', 'refused'), gets(), await bench.row(claim)];
  const answer = await send();
  expect(answer.status).toBe(401);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await counted('replicate', 'refused')).toBe(before + 1);
  expect(await bench.row(claim)).toEqual(row);
  expect(gets()).toBe(looks);
});

it('takes one that is four minutes old, or from a clock as far ahead', async () => {
  for (const ago of [240, -240]) {
    const claim = await starts('replicate', prediction);
    replicate.find(idOf(claim))!.status = 'succeeded';
    expect((await fromReplicate(idOf(claim), { ago })).status).toBe(200);
    expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  }
});

it('asks a provider no more often for a webhook that comes again and again', async () => {
  const claim = await starts('replicate', prediction);
  replicate.find(idOf(claim))!.status = 'processing';
  const [looks, began] = [gets(), performance.now()];
  for (let n = 0; n < 50; n += 1) expect((await fromReplicate(idOf(claim))).status).toBe(200);
  // Each look is two reads: of the run, and of its log.
  const allowed = 2 * (2 + Math.ceil((performance.now() - began) / 1_000));
  expect(gets() - looks).toBeLessThanOrEqual(Math.min(allowed, 50));
});

it.each([
  ['of a run that nobody here knows', 'no-such-run'],
  ['of no possible run', 'a\u0000b'],
  ['of a run with an endless name', 'x'.repeat(180)],
])('answers a webhook %s, and does nothing', async (_, id) => {
  const [before, looks] = [await counted('replicate', 'not_known'), gets()];
  expect((await fromReplicate(id)).status).toBe(200);
  expect(await counted('replicate', 'not_known')).toBe(before + 1);
  expect(gets()).toBe(looks);
});

it('changes nothing when a webhook comes after the end', async () => {
  const claim = await starts('replicate', prediction);
  replicate.find(idOf(claim))!.status = 'succeeded';
  await fromReplicate(idOf(claim));
  await bench.end(claim);
  const [row, looks] = [await bench.row(claim), gets()];
  expect((await fromReplicate(idOf(claim), { status: 'processing' })).status).toBe(200);
  expect(await bench.row(claim)).toEqual(row);
  expect(gets()).toBe(looks);
  expect(bench.ended(claim)).toHaveLength(1);
});

it('keeps the pause of a run whose looks fail', async () => {
  const claim = await starts('replicate', prediction);
  const pause = `update runs set failures = 3, next_action_at = now() + interval '1 hour' where job_id = $1`;
  await bench.service.database.query(pause, [claim.job_id]);
  const looks = gets();
  expect((await fromReplicate(idOf(claim))).status).toBe(200);
  expect(Number((await bench.row(claim))['next_action_at'])).toBeGreaterThan(Date.now() + 3_000_000);
  expect(gets()).toBe(looks);
});

it('takes no more of a provider than its rate allows', async () => {
  const bucket = 'webhooks replicate';
  await bench.service.database.query(
    `insert into account_rates (account, full_at_ms) values ($1, extract(epoch from now()) * 1000 + 70000)
     on conflict (account) do update set full_at_ms = excluded.full_at_ms`,
    [bucket],
  );
  const answer = await fromReplicate('x');
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await counted('replicate', 'too_many')).toBe(1);
  // What is not proven never comes that far.
  expect((await fromReplicate('x', { key: Buffer.from('a guess') })).status).toBe(401);
  expect((await fromHeld({ runKey: 'lc-1-a1' })).status).toBe(200);
  await bench.service.database.query('delete from account_rates where account = $1', [bucket]);
});

it.each(['silent', 'forgetful', 'nobody', 'local'])(
  'has no webhooks of %s, which sends none or whose secret is not there',
  async (provider) => {
    const answer = await post(path(provider), '{}');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  },
);

it('refuses what is longer than anybody has to send', async () => {
  expect((await post(path('replicate'), 'x'.repeat(1_100_000))).status).toBe(413);
});

it('submits without asking for webhooks where their secret is not there', async () => {
  await starts('forgetful', prediction);
  expect(replicate.submits.at(-1)?.body).not.toHaveProperty('webhook');
});

it('asks for no webhooks where the house has no name that a provider can call', async () => {
  bench.env['PUBLIC_URL'] = 'http://127.0.0.1:8080';
  await bench.restart();
  await starts('replicate', prediction);
  expect(replicate.submits.at(-1)?.body).not.toHaveProperty('webhook');
  bench.env['PUBLIC_URL'] = 'https://house.test';
  await bench.restart();
  await starts('replicate', prediction);
  expect(replicate.submits.at(-1)?.body).toHaveProperty('webhook');
});
