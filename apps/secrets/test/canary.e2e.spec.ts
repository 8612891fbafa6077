import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import {
  deleteSecret,
  resolveSecrets,
  secretChanged,
  secretsPublicKey,
  storeSecret,
} from '@lineclear/contracts';
import { SealingKey, sealTo, startService, type RunningService } from '@lineclear/kit';
import { client, connectPeer, people, startBackends, type Backends, type Peer } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { claimRun } from './claim-run.js';

const KEY = randomBytes(32);
const canary = (where: string): string => `canary-${where}-${randomBytes(12).toString('hex')}`;
const CANARIES = {
  global: canary('global'),
  own: canary('own'),
  env: canary('env'),
  channel: canary('channel'),
  broken: canary('broken'),
  refused: canary('refused'),
};

let backends: Backends;
let service: RunningService;
let peer: Peer;
let logs = '';
const bodies: string[] = [];

beforeAll(async () => {
  const real = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
  // The logger writes to descriptor 1 itself, past process.stdout.
  vi.spyOn(fs, 'writeSync').mockImplementation(((
    fd: number,
    data: string | Uint8Array,
    ...rest: unknown[]
  ) => {
    if (fd !== 1) return real(fd, data, ...rest);
    logs += typeof data === 'string' ? data : Buffer.from(data).toString();
    return Buffer.byteLength(data as string);
  }) as never);
  backends = await startBackends();
  service = await startService(
    define(
      await backends.envFor('secrets', {
        LINECLEAR_CREDENTIAL_KEY: KEY.toString('base64'),
        LINECLEAR_LOG_FORMAT: 'json',
        LINECLEAR_LOG_LEVEL: 'debug',
        ENV_CANARY: CANARIES.env,
      }),
    ),
  );
  peer = await connectPeer(backends.nats.url);
});

afterAll(async () => {
  vi.restoreAllMocks();
  await peer?.close();
  await service?.close();
  await backends?.stop();
});

/** Every way in and out that a value has, right and wrong. */
async function useEverything(): Promise<void> {
  const folk = await people(peer);
  const [admin, ada] = [folk.add('admin'), folk.add('researcher')];
  const [asAdmin, asAda] = [client(service.url, admin.token), client(service.url, ada.token)];
  const keep = async (answer: Promise<{ body: unknown }>): Promise<void> =>
    void bodies.push(JSON.stringify((await answer).body));
  await keep(asAdmin.post('/api/secrets', { name: 'SHARED', value: CANARIES.global }));
  await keep(asAda.post('/api/secrets', { name: 'OWN', value: CANARIES.own, scope: 'user' }));
  await keep(asAda.post('/api/secrets', { name: 'SHARED', value: CANARIES.refused }));
  await keep(asAdmin.post('/api/secrets', { name: 'bad name', value: CANARIES.refused }));
  await keep(asAdmin.post('/api/secrets', { name: 'X', value: [CANARIES.refused] }));
  await keep(asAdmin.post('/api/secrets', { name: 'X', value: `${CANARIES.refused}\u0000` }));
  await keep(asAdmin.post('/api/secrets', { name: 'X', value: CANARIES.refused.repeat(3_000) }));
  for (const body of [
    `{"name":"X","value":${CANARIES.broken}}`,
    `{"name":"X","value":"${CANARIES.broken}" x`,
    CANARIES.broken,
  ])
    await keep(asAdmin.post('/api/secrets', body));
  for (const path of ['', '/SHARED', '/SHARED/explain', '/ENV_CANARY/explain'])
    await keep(asAdmin.get(`/api/secrets${path}`));

  const { public_key } = await peer.ask(secretsPublicKey, {});
  await peer.ask(storeSecret, {
    name: 'channel.1.password',
    box: await sealTo(public_key, CANARIES.channel),
  });
  await peer
    .ask(storeSecret, { name: 'NOT_A_CHANNEL', box: await sealTo(public_key, CANARIES.refused) })
    .catch(keepError);
  await peer
    .ask(storeSecret, { name: 'channel.2.x', box: await sealTo(public_key, CANARIES.refused.repeat(3_000)) })
    .catch(keepError);

  const key = new SealingKey();
  const named = ['SHARED', 'OWN', 'ENV_CANARY', 'NOWHERE'];
  const run = await claimRun(peer, named, { user_id: ada.principal.user_id });
  const { box } = await peer.ask(resolveSecrets, {
    names: ['SHARED', 'OWN', 'ENV_CANARY'],
    for: run,
    public_key: key.publicKey,
  });
  bodies.push(JSON.stringify(box));
  expect(JSON.parse(await key.open(box!))).toEqual({
    SHARED: CANARIES.global,
    OWN: CANARIES.own,
    ENV_CANARY: CANARIES.env,
  });
  await peer.ask(resolveSecrets, { names: ['SHARED', 'NOWHERE'], for: run, public_key: key.publicKey });
  await peer.ask(resolveSecrets, { names: ['SHARED'], for: run, public_key: 'x' }).catch(keepError);
  await service.database.query(
    `update secret_versions set nonce = '\\x00' where secret_id = (select id from secrets where name = 'OWN')`,
  );
  await peer.ask(resolveSecrets, { names: ['OWN'], for: run, public_key: key.publicKey }).catch(keepError);
  await peer.ask(deleteSecret, { name: 'SHARED' }).catch(keepError);
}
const keepError = (error: unknown): void => void bodies.push(String(error));

it('leaves no value in any log line, event, answer, error or table', async () => {
  await useEverything();
  await vi.waitFor(() => expect(peer.events(secretChanged)).toHaveLength(3));
  const tables = await service.database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      service.database.query<{ row: string }>(`select t::text as row from "${name}" t`),
    ),
  );
  const places = {
    logs,
    answers: bodies.join('\n'),
    events: JSON.stringify(peer.events(secretChanged)),
    tables: rows
      .flat()
      .map(({ row }) => row)
      .join('\n'),
    metrics: String((await client(service.url).get('/metrics')).body),
  };
  // That the search would find something is part of the proof.
  expect(places.logs).toMatch(/"message":"answered"/);
  expect(places.logs).toContain('does not open');
  expect(places.tables).toContain('channel.1.password');

  const values = [...Object.values(CANARIES).map((text) => Buffer.from(text)), KEY];
  for (const [where, text] of Object.entries(places)) {
    for (const value of values) {
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
        // Part of a value is a leak too; the middle third of base64 is the same at any offset that is a multiple of three.
        const encoded = value.toString(encoding);
        expect(
          text.includes(encoded.slice(0, 24)),
          `${where} has ${value === KEY ? 'the key' : value.toString()} as ${encoding}`,
        ).toBe(false);
        expect(text.includes(encoded.slice(-16)), `${where} has the end of it as ${encoding}`).toBe(false);
      }
    }
    // What a parser quotes of a broken body is short.
    expect(text, where).not.toContain('canary-br');
  }
});
