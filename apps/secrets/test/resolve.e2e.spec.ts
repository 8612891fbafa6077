import { generateKeyPairSync } from 'node:crypto';
import {
  deleteSecret,
  resolveSecrets,
  secretChanged,
  secretsPublicKey,
  storeSecret,
  type RequestOf,
} from '@lineclear/contracts';
import { SealingKey, sealTo, startService, type RunningService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  people,
  startBackends,
  type Backends,
  type Client,
  type Peer,
} from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { claimRun, newJobId } from './claim-run.js';

type For = RequestOf<typeof resolveSecrets>['for'];

let backends: Backends;
let service: RunningService;
let env: Record<string, string>;
let peer: Peer;
let admin: Client;
let ada: Client;
let adaRuns: For;
const bobRuns: For = { purpose: 'run', job_id: `job_${'b'.repeat(32)}`, user_id: 77, attempt: 1 };
const provider: For = { purpose: 'provider', provider: 'acme' };
const channel: For = { purpose: 'channel', channel_id: 4 };

beforeAll(async () => {
  backends = await startBackends();
  env = await backends.envFor('secrets', {
    LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, 3).toString('base64'),
    REPLICATE_API_TOKEN: 'r8 of the environment',
    OVERRIDDEN: 'environment',
    EMPTY_ONE: '',
    SMTP_PASSWORD: 'the house mail password',
    CHANNEL_9_PASSWORD: 'not where channels keep theirs',
    HOME: '/home/x',
  });
  service = await startService(define(env));
  peer = await connectPeer(backends.nats.url);
  const folk = await people(peer);
  admin = client(service.url, folk.add('admin').token);
  const person = folk.add('researcher');
  ada = client(service.url, person.token);
  adaRuns = {
    purpose: 'run',
    job_id: `job_${'a'.repeat(32)}`,
    user_id: person.principal.user_id,
    attempt: 2,
  };
  for (const [http, name, value, scope] of [
    [admin, 'SHARED', 'shared', 'global'],
    [admin, 'BOTH', 'shared one', 'global'],
    [ada, 'BOTH', "ada's own", 'user'],
    [ada, 'ONLY_ADA', "ada's", 'user'],
    [admin, 'OVERRIDDEN', 'store', 'global'],
  ] as const)
    expect((await http.post('/api/secrets', { name, value, scope })).status).toBe(201);
});

afterAll(async () => {
  await peer?.close();
  await service?.close();
  await backends?.stop();
});

async function resolve(behalf: For, ...names: string[]): Promise<{ values?: unknown; missing: string[] }> {
  const key = new SealingKey();
  // A job of its own each time: what one was given it is given again.
  const on =
    behalf.purpose === 'run' ? await claimRun(peer, names, { ...behalf, job_id: newJobId() }) : behalf;
  const { box, missing } = await peer.ask(resolveSecrets, { names, for: on, public_key: key.publicKey });
  return { missing, ...(box ? { values: JSON.parse(await key.open(box)) as unknown } : {}) };
}

describe('resolving', () => {
  it("takes the submitter's own before the environment, and that before the shared store", async () => {
    expect(await resolve(adaRuns, 'BOTH', 'ONLY_ADA', 'OVERRIDDEN', 'SHARED', 'replicate-api-token')).toEqual(
      {
        missing: [],
        values: {
          BOTH: "ada's own",
          ONLY_ADA: "ada's",
          OVERRIDDEN: 'environment',
          SHARED: 'shared',
          'replicate-api-token': 'r8 of the environment',
        },
      },
    );
    expect(await resolve(bobRuns, 'BOTH')).toEqual({ missing: [], values: { BOTH: 'shared one' } });
    expect(await resolve(provider, 'BOTH')).toEqual({ missing: [], values: { BOTH: 'shared one' } });
  });

  it('seals nothing when a name is missing, and says which', async () => {
    expect(await resolve(bobRuns, 'SHARED', 'ONLY_ADA', 'NOWHERE', 'EMPTY_ONE')).toEqual({
      missing: ['ONLY_ADA', 'NOWHERE', 'EMPTY_ONE'],
    });
  });

  it('gives the newest version, a name asked for twice once, and nothing after a delete', async () => {
    for (const value of ['1', '2']) await admin.post('/api/secrets', { name: 'TURNING', value });
    expect(await resolve(provider, 'TURNING', 'TURNING')).toEqual({ missing: [], values: { TURNING: '2' } });
    await admin.delete('/api/secrets/TURNING');
    expect(await resolve(provider, 'TURNING')).toEqual({ missing: ['TURNING'] });
  });

  it.each([
    'DATABASE_URL',
    'database-url',
    'Database.Url',
    'LINECLEAR_CREDENTIAL_KEY',
    'lineclear.credential-key',
    'NATS_URL',
    'REDIS_URL',
    'PATH',
    'HOME',
    'PORT',
    'SMTP_PASSWORD',
    '__proto__',
    'constructor',
  ])('never hands out %s', async (name) => {
    for (const behalf of [adaRuns, provider, channel])
      expect(await resolve(behalf, name)).toEqual({ missing: [name] });
  });

  it('opens with the key it was sealed to and with no other', async () => {
    const key = new SealingKey();
    const { box } = await peer.ask(resolveSecrets, {
      names: ['SHARED'],
      for: provider,
      public_key: key.publicKey,
    });
    expect(JSON.stringify(box)).not.toContain('shared');
    await expect(new SealingKey().open(box!)).rejects.toThrow();
    expect(await key.open(box!)).toContain('shared');
  });

  it('refuses keys it cannot seal to, and purposes it does not know', async () => {
    const der = (type: 'ed25519' | 'x448'): string =>
      generateKeyPairSync(type as 'ed25519')
        .publicKey.export({ format: 'der', type: 'spki' })
        .toString('base64');
    const smallOrder = Buffer.concat([
      Buffer.from(new SealingKey().publicKey, 'base64').subarray(0, 12),
      Buffer.alloc(32),
    ]).toString('base64');
    for (const public_key of ['', 'nonsense', der('ed25519'), der('x448'), smallOrder]) {
      await expect(
        peer.ask(resolveSecrets, { names: ['SHARED'], for: provider, public_key }),
      ).rejects.toThrow('public_key');
    }
    const { publicKey: public_key } = new SealingKey();
    const wrong: unknown[] = [
      { names: ['SHARED'], for: { purpose: 'curiosity' }, public_key },
      { names: ['SHARED'], for: { purpose: 'run', job_id: 'job_1', user_id: 1, attempt: 1 }, public_key },
      { names: ['SHARED'], for: { purpose: 'run' }, public_key },
      { names: [], for: provider, public_key },
      { names: ['a b'], for: provider, public_key },
      { names: Array.from({ length: 1_001 }, (_, n) => `N${n}`), for: provider, public_key },
      {},
      'x',
    ];
    for (const request of wrong) await expect(peer.ask(resolveSecrets, request as never)).rejects.toThrow();
  });

  it('fails rather than fall back to the shared key when the own one does not open', async () => {
    await ada.post('/api/secrets', { name: 'BROKEN', value: 'own', scope: 'user' });
    await admin.post('/api/secrets', { name: 'BROKEN', value: 'shared' });
    await service.database.query(
      `update secret_versions set ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1)
       where secret_id = (select id from secrets where name = 'BROKEN' and scope <> 'global')`,
    );
    await expect(resolve(adaRuns, 'BROKEN')).rejects.toThrow('BROKEN does not open');
    expect(await resolve(bobRuns, 'BROKEN')).toEqual({ missing: [], values: { BROKEN: 'shared' } });
  });

  it("does not open one user's secret as another's, nor an old version as the new one", async () => {
    await ada.post('/api/secrets', { name: 'SWAPPED', value: 'v1', scope: 'user' });
    await ada.post('/api/secrets', { name: 'SWAPPED', value: 'v2', scope: 'user' });
    const id = "(select id from secrets where name = 'SWAPPED')";
    await service.database.query(`update secrets set scope = 'user:77' where name = 'SWAPPED'`);
    await expect(resolve(bobRuns, 'SWAPPED')).rejects.toThrow('does not open');
    await service.database.query(
      `update secrets set scope = 'user:${adaRuns.purpose === 'run' ? adaRuns.user_id : 0}' where name = 'SWAPPED'`,
    );
    expect(await resolve(adaRuns, 'SWAPPED')).toMatchObject({ values: { SWAPPED: 'v2' } });
    await service.database.query(
      `update secret_versions new set wrapped_key = old.wrapped_key, nonce = old.nonce, ciphertext = old.ciphertext
       from secret_versions old where new.secret_id = ${id} and old.secret_id = new.secret_id and new.version = 2 and old.version = 1`,
    );
    await expect(resolve(adaRuns, 'SWAPPED')).rejects.toThrow('does not open');
  });

  it('says that values are too large to travel together', async () => {
    for (const n of [1, 2])
      await admin.post('/api/secrets', { name: `BIG_${n}`, value: '鍵'.repeat(60_000) });
    expect((await resolve(provider, 'BIG_1')).missing).toEqual([]);
    await expect(resolve(provider, 'BIG_1', 'BIG_2')).rejects.toThrow('too large');
  });

  it('notes for every name who asked, for what, and which one it was', async () => {
    await service.database.query('truncate access_log');
    await resolve(adaRuns, 'BOTH', 'OVERRIDDEN', 'SHARED');
    await resolve(channel, 'SHARED', 'NOWHERE');
    const log = await service.database.query(
      'select name, asked_by, purpose, job_id, attempt, user_id, channel_id, outcome, source, scope, version from access_log order by id',
    );
    const run = {
      asked_by: 'job-poller',
      purpose: 'run',
      job_id: expect.stringMatching(/^job_/),
      attempt: 2,
      user_id: expect.any(Number),
      channel_id: null,
      outcome: 'released',
    };
    const told = {
      asked_by: 'notifier',
      purpose: 'channel',
      job_id: null,
      attempt: null,
      user_id: null,
      channel_id: 4,
    };
    expect(log).toEqual([
      { ...run, name: 'BOTH', source: 'store', scope: expect.stringMatching(/^user:/), version: 1 },
      { ...run, name: 'OVERRIDDEN', source: 'environment', scope: 'global', version: null },
      { ...run, name: 'SHARED', source: 'store', scope: 'global', version: 1 },
      { ...told, name: 'SHARED', outcome: 'withheld', source: 'store', scope: 'global', version: 1 },
      { ...told, name: 'NOWHERE', outcome: 'missing', source: null, scope: null, version: null },
    ]);
    const { body } = await client(service.url).get('/metrics');
    expect(body).toMatch(/lineclear_secrets_resolves_total\{source="store",outcome="released".*\} [1-9]/);
  });
});

describe("channels' secrets", () => {
  const publicKey = async (): Promise<string> => (await peer.ask(secretsPublicKey, {})).public_key;

  it('come in sealed, are told of, go out to channels alone, and can be removed', async () => {
    const box = await sealTo(await publicKey(), 'whsec_1');
    expect(await peer.ask(storeSecret, { name: 'channel.9.password', box })).toEqual({ version: 1 });
    expect(
      await peer.ask(storeSecret, {
        name: 'channel.9.password',
        box: await sealTo(await publicKey(), 'whsec_2'),
      }),
    ).toEqual({ version: 2 });
    expect(await resolve(channel, 'channel.9.password')).toEqual({
      missing: [],
      values: { 'channel.9.password': 'whsec_2' },
    });
    for (const behalf of [adaRuns, provider])
      expect(await resolve(behalf, 'channel.9.password')).toEqual({ missing: ['channel.9.password'] });
    expect((await admin.get('/api/secrets/channel.9.password')).body).toMatchObject({
      version: 2,
      source: 'store',
    });
    await vi.waitFor(() =>
      expect(peer.events(secretChanged).map(({ data }) => data)).toContainEqual({
        name: 'channel.9.password',
        scope: 'global',
        version: 2,
      }),
    );
    expect(await peer.ask(deleteSecret, { name: 'channel.9.password' })).toEqual({ deleted: true });
    expect(await peer.ask(deleteSecret, { name: 'channel.9.password' })).toEqual({ deleted: false });
    expect(await resolve(channel, 'channel.9.password')).toEqual({ missing: ['channel.9.password'] });
  });

  it('are all that can be set over the bus, and only sealed to us', async () => {
    const box = await sealTo(await publicKey(), 'x');
    await expect(peer.ask(storeSecret, { name: 'SHARED', box })).rejects.toThrow('only secrets of channels');
    await expect(peer.ask(deleteSecret, { name: 'SHARED' })).rejects.toThrow('only secrets of channels');
    expect(await resolve(provider, 'SHARED')).toMatchObject({ values: { SHARED: 'shared' } });
    for (const wrong of [
      await sealTo(new SealingKey().publicKey, 'x'),
      '',
      box.slice(0, -4),
      box.replace(/^[^.]*/, Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')),
    ]) {
      await expect(peer.ask(storeSecret, { name: 'channel.1.x', box: wrong })).rejects.toThrow(
        'not sealed to',
      );
    }
    for (const value of ['', 'x'.repeat(65_537), 'a\u0000b']) {
      await expect(
        peer.ask(storeSecret, { name: 'channel.1.x', box: await sealTo(await publicKey(), value) }),
      ).rejects.toThrow('box');
    }
    expect(await service.database.query("select 1 from secrets where name = 'channel.1.x'")).toHaveLength(0);
  });

  it('are sealed to one key, whichever replica is asked and after a restart', async () => {
    const before = await publicKey();
    const second = await startService(define(env));
    try {
      for (let n = 0; n < 20; n += 1) expect(await publicKey()).toBe(before);
    } finally {
      await second.close();
    }
  });
});

it('serves only what has the prefix, once there is one', async () => {
  const prefixed = await backends.envFor('secrets', {
    LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, 4).toString('base64'),
    LINECLEAR_SECRETS_ENV_PREFIX: 'ACME',
    ACME_HF_TOKEN: 'with prefix',
    WANDB_API_KEY: 'without',
  });
  const other = await startService(define(prefixed));
  try {
    const http = client(other.url, (await people(peer)).add('admin').token);
    expect((await http.get('/api/secrets/hf-token/explain')).body.found_in).toEqual({
      source: 'environment',
      scope: 'global',
    });
    expect((await http.get('/api/secrets/WANDB_API_KEY/explain')).body.found_in).toBeNull();
  } finally {
    await other.close();
  }
});
