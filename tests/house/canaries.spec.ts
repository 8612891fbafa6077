import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SealingKey } from '@lineclear/kit';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import {
  client,
  fakeProviderConfig,
  startFakeProvider,
  type Client,
  type FakeProvider,
} from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person } from './furnish.js';
import { dumpOf, filesBelow, redisDump } from './kept.js';

/** What all canaries begin with: it looks different in each encoding. */
const MARK = 'c"4n/ry+';
const CANARIES = 50;
const PATIENT = { timeout: 60_000 };

/** How a text that begins with the mark may be written, whatever stands before it. */
const NEEDLES: Readonly<Record<string, readonly string[]>> = {
  'as it is': [MARK],
  'in JSON': [JSON.stringify(MARK).slice(1, -1)],
  'in a URL': [encodeURIComponent(MARK)],
  'in hex': [Buffer.from(MARK).toString('hex')],
  // At each of the three places where it may begin; the characters that its neighbours have a share in are left out.
  'in base64': [0, 1, 2].map((before) =>
    Buffer.from('\0'.repeat(before) + MARK)
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, 10),
  ),
};

/** The encodings in which the mark is somewhere in these bytes. */
const seenIn = (bytes: Buffer): string[] =>
  Object.entries(NEEDLES)
    .filter(([, needles]) => needles.some((needle) => bytes.includes(needle)))
    .map(([encoding]) => encoding);

let home: string;
let house: House;
let provider: FakeProvider;
let collector: { url: string; received: Buffer[]; close(): Promise<void> };
let made = 0;
const printed: string[] = [];
/** Answers of the house: what is said to people is looked through as well. */
const answers: string[] = [];
const canary = (): string => {
  made += 1;
  return `${MARK}${made}-${randomBytes(12).toString('hex')}`;
};

/** Takes the traces that services send. */
async function collectTraces() {
  const received: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      received.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

beforeAll(async () => {
  home = makeScratchFolder('canaries');
  collector = await collectTraces();
  provider = await startFakeProvider({ finish: 'never' });
  mkdirSync(home, { recursive: true });
  const [config, file] = [join(home, 'lineclear.yaml'), join(home, 'secrets.json')];
  const acme = fakeProviderConfig(provider.url, {
    auth: { secret: 'ACME_TOKEN' },
    submit: {
      method: 'POST',
      path: '/runs',
      body: { key: '{run_key}', config: '{config}', env: '{env}' },
      external_id: '/id',
    },
    poll_interval_seconds: 0.2,
  });
  writeFileSync(config, JSON.stringify({ providers: { acme, local: { type: 'local' } } }));
  writeFileSync(file, JSON.stringify({ IN_FILE: canary() }), { mode: 0o600 });
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_SECRETS_FILE: file,
      IN_ENVIRONMENT: canary(),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      LINECLEAR_LOG_LEVEL: 'debug',
      LINECLEAR_LOG_FORMAT: 'json',
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
    },
    print: (_, line) => printed.push(line),
  });
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await provider?.close();
  await collector?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** A client whose answers are kept, but for those that are meant to hold a value. */
function listening(http: Client): Client {
  const keep = async <T extends { body: unknown }>(answer: Promise<T>): Promise<T> => {
    answers.push(JSON.stringify((await answer).body) ?? '');
    return answer;
  };
  return {
    get: (path, more) => keep(http.get(path, more)),
    post: (path, body, more) => keep(http.post(path, body, more)),
    put: (path, body, more) => keep(http.put(path, body, more)),
    patch: (path, body, more) => keep(http.patch(path, body, more)),
    delete: (path, more, body) => keep(http.delete(path, more, body)),
  };
}

async function runJobs(ada: Client): Promise<void> {
  const show =
    'for (const [name, value] of Object.entries(process.env)) if (/^SHARED|^OWN|^IN_/.test(name)) console.log(name, value, Buffer.from(value).toString("base64"), Buffer.from(value).toString("hex"), encodeURIComponent(value), JSON.stringify({ value }))';
  const names = ['SHARED_0', 'SHARED_1', 'OWN_0', 'IN_ENVIRONMENT', 'IN_FILE'];
  const job = { config_name: 'canaries', estimated_duration_seconds: 60 };
  const command = [process.execPath, '-e', `${show}; process.exitCode = 3`];
  const here = ok(
    await ada.post('/api/cloud/local/submit', {
      ...job,
      hardware: 'local',
      config: { command },
      secrets: names,
    }),
    202,
  ).job_id;
  const there = ok(
    await ada.post('/api/cloud/acme/submit', {
      ...job,
      hardware: 'gpu-a100',
      config: {},
      secrets: ['SHARED_2'],
    }),
    202,
  ).job_id;
  const status = async (id: string): Promise<string> => ok(await ada.get(`/api/cloud/jobs/${id}`)).status;
  await vi.waitFor(async () => expect(await status(here)).toBe('failed'), PATIENT);
  await vi.waitFor(async () => expect(await status(there)).toBe('running'), PATIENT);
  // A provider that repeats what it was given.
  // There it is meant to be: canaries that went nowhere would prove nothing.
  expect(seenIn(Buffer.from(JSON.stringify(provider.bodies)))).toContain('in JSON');
  const [body] = provider.bodies as [{ key: string; env?: Record<string, string> }];
  provider.change(body.key, { message: `refused ${JSON.stringify(body)} with ${token}`, status: 'failed' });
  await vi.waitFor(async () => expect(await status(there)).toBe('failed'), PATIENT);
  await vi.waitFor(async () => {
    const { logs } = ok(await ada.get(`/api/cloud/jobs/${here}/logs`));
    expect(logs).toContain('SHARED_0 [secret]');
  }, PATIENT);
}

let token: string;

it('finds a canary in each of five encodings, wherever it begins', () => {
  for (const before of ['', 'a', 'ab', 'abc', 'é']) {
    const text = `${before}${MARK}7-rest`;
    const written = {
      'as it is': text,
      'in JSON': JSON.stringify({ text }),
      'in a URL': `?q=${encodeURIComponent(text)}`,
      'in hex': Buffer.from(text).toString('hex'),
      'in base64': Buffer.from(text).toString('base64'),
    };
    for (const [encoding, bytes] of Object.entries(written))
      expect(seenIn(Buffer.from(bytes))).toContain(encoding);
  }
  expect(seenIn(randomBytes(1_000_000))).toEqual([]);
});

it('keeps 50 values out of every database, queue, stream, log and trace through all that can be done with them', async () => {
  const admin = listening(client(house.url, house.adminKey));
  const ada = listening(await person(house.url, client(house.url, house.adminKey), 'ada', 'researcher'));
  const set = async (http: Client, name: string, more: object = {}): Promise<void> => {
    ok(await http.post('/api/secrets', { name, value: canary(), ...more }), 201);
  };
  token = canary();
  ok(await admin.post('/api/secrets', { name: 'ACME_TOKEN', value: token }), 201);
  provider.set({ finish: 'never', token });
  for (let n = 0; n < 10; n += 1) await set(admin, `SHARED_${n}`);
  for (let n = 0; n < 10; n += 1) await set(admin, `SHARED_${n}`, { expected_version: 1 });
  for (let n = 0; n < 5; n += 1) await set(ada, `OWN_${n}`, { scope: 'user' });
  await set(admin, 'IN_FILE_TOO', { source: 'file' });
  const hook = ok(
    await admin.post('/api/cloud/notifications/channels', {
      channel_type: 'discord',
      name: 'a hook whose URL is a secret',
      webhook_url: `http://127.0.0.1:9/${encodeURIComponent(canary())}`,
    }),
    201,
  );
  ok(
    await admin.post('/api/cloud/notifications/preferences', { event_type: 'job.*', channel_id: hook.id }),
    201,
  );
  for (const type of ['job.failed', 'secret.*']) {
    const channel = ok(
      await admin.post('/api/cloud/notifications/channels', {
        channel_type: 'email',
        name: `mail for ${type}`,
        smtp_host: '127.0.0.1',
        smtp_port: 9,
        smtp_username: 'house',
        smtp_password: canary(),
        smtp_from_address: 'house@lineclear.test',
        reply_to: 'answers@lineclear.test',
        imap_enabled: true,
        imap_host: '127.0.0.1',
        imap_port: 9,
        imap_username: 'answers',
        imap_password: canary(),
      }),
      201,
    );
    ok(
      await admin.post('/api/cloud/notifications/preferences', {
        event_type: type,
        channel_id: channel.id,
        recipients: ['all@lineclear.test'],
      }),
      201,
    );
  }
  await runJobs(ada);

  // Refused, and not repeated in the answer or the log.
  expect((await admin.post('/api/secrets', { name: 'bad name', value: canary() })).status).toBe(400);
  expect((await admin.post('/api/secrets', { name: 'X', value: `${canary()}\0` })).status).toBe(400);
  expect((await admin.post('/api/secrets', { name: 'X', value: canary(), more: canary() })).status).toBe(400);
  expect((await ada.post('/api/secrets', { name: 'X', value: canary() })).status).toBe(403);
  expect((await client(house.url).post('/api/secrets', { name: 'X', value: canary() })).status).toBe(401);

  ok(await admin.post('/api/secrets/SHARED_3/rollback', { version: 1 }), 201);
  expect((await admin.delete('/api/secrets/SHARED_4')).status).toBe(204);
  ok(await admin.post('/api/secrets/SHARED_4/undelete', {}));
  expect((await admin.delete('/api/secrets/SHARED_5?purge=true')).status).toBe(204);
  ok(await admin.post('/api/secrets/-/restore', { prefix: 'SHARED', at: new Date().toISOString() }));
  ok(await admin.post('/api/secrets/-/keys/rotate'), 202);
  const works = async () => ok(await admin.get('/api/secrets/-/keys')).works;
  await vi.waitFor(async () => expect((await works())[0].ended_at).toBeDefined(), PATIENT);
  ok(await admin.post('/api/secrets/-/keys/reencrypt'), 202);
  const key = new SealingKey();
  const revealed = ok(
    await ada.post('/api/secrets/-/reveal', { names: ['OWN_0'], scope: 'user', public_key: key.publicKey }),
  );
  expect(JSON.parse(await key.open(revealed.box)).OWN_0).toContain(MARK);
  const emergency = { reason: 'the pager rang', public_key: key.publicKey };
  const { box } = ok(await admin.post('/api/secrets/SHARED_6/break-glass', emergency));
  expect(JSON.parse(await key.open(box)).SHARED_6).toContain(MARK);
  const { url } = ok(await ada.post('/api/secrets/OWN_1/links', { scope: 'user' }), 201);
  // Its answer is meant to hold the value.
  const opened = ok(
    await client(house.url).post('/api/secrets/-/links/open', { token: new URL(url).hash.slice(1) }),
  );
  expect(opened.value).toContain(MARK);
  for (const path of [
    '',
    '/SHARED_0',
    '/SHARED_0/explain',
    '/SHARED_0/versions',
    '/SHARED_0/history',
    '/-/keys',
  ])
    ok(await admin.get(`/api/secrets${path}`));
  ok(await admin.get('/api/audit?limit=500'));
  while (made < CANARIES) await set(ada, `MORE_${made}`, { scope: 'user' });

  await vi.waitFor(() => expect(collector.received.length).toBeGreaterThan(0), PATIENT);
  const seen: string[] = [];
  const look = (where: string, bytes: Buffer | string): void => {
    for (const encoding of seenIn(Buffer.from(bytes as string))) seen.push(`${where}: ${encoding}`);
  };
  for (const { databaseUrl } of Object.values(house.services))
    if (databaseUrl) look(databaseUrl, await dumpOf(databaseUrl));
  look('Redis', await redisDump(house));
  look('what was printed', printed.join('\n'));
  look('what was answered', answers.join('\n'));
  look('traces', Buffer.concat(collector.received));
  // Postgres' files, JetStream's, logs: everything the house keeps but the folders of runs, which are the jobs' own.
  for (const { path, bytes } of filesBelow(join(home, 'house')))
    if (!path.includes('/runs/')) look(path, bytes);
  expect(seen).toEqual([]);
  expect(printed.join('\n')).toContain('/api/secrets');
}, 300_000);
