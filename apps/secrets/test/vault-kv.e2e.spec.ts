import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HOUR, SECOND, vaultHouse, type VaultHouse } from './vault-house.js';

const NAME = 'HF_TOKEN';

async function house(version: 1 | 2 = 2): Promise<VaultHouse> {
  const made = await vaultHouse();
  made.fake.mountKv('secret', version);
  made.fake.put('secret', 'lineclear', { [NAME]: 'hf_x' });
  return made;
}

/** What its source finds under one name. */
async function find({ open }: VaultHouse, env: Record<string, string> = {}, name = NAME): Promise<unknown> {
  const { source } = await open(env);
  const found = (await source.find('global', [name])).get(name);
  return found && { value: found.value.reveal(), version: found.version };
}

describe.each([1, 2] as const)('a key-value mount of version %i', (version) => {
  const found = { value: 'hf_x', version: version === 2 ? 1 : null };

  it('is recognised by what the server says of it, once', async () => {
    const h = await house(version);
    const { source } = await h.open({ LINECLEAR_VAULT_CACHE_SECONDS: '0' });
    for (let at = 0; at < 3; at += 1) expect((await source.find('global', [NAME])).size).toBe(1);
    expect(h.fake.callsTo('sys/internal/ui/mounts/secret')).toBe(1);
    expect(h.fake.callsTo(version === 2 ? 'secret/data/lineclear' : 'secret/lineclear')).toBe(3);
  });

  it('is not asked about when LINECLEAR_VAULT_KV_VERSION tells', async () => {
    const h = await house(version);
    expect(await find(h, { LINECLEAR_VAULT_KV_VERSION: String(version) })).toEqual(found);
    expect(h.fake.callsTo('sys/internal')).toBe(0);
  });

  it.each([403, 404])(
    'is found out by reading where the server answers %i to that question',
    async (status) => {
      const h = await house(version);
      const text = status === 404 ? '{"errors":["unsupported path"]}' : '{"errors":["permission denied"]}';
      // Twice, for after a 403 the token could have ended.
      h.fake.failNext('sys/internal', 2, { status, text });
      const vault = await h.open({ LINECLEAR_VAULT_CACHE_SECONDS: '0' });
      const first = (await vault.source.find('global', [NAME])).get(NAME);
      expect({ value: first?.value.reveal(), version: first?.version }).toEqual(found);
      await vault.source.find('global', [NAME]);
      expect(h.fake.callsTo('sys/internal')).toBe(1);
      expect(h.fake.callsTo('secret/data/lineclear')).toBe(version === 2 ? 2 : 1);
    },
  );

  it('has nothing where nothing is', async () => {
    const h = await house(version);
    expect(await find(h, { LINECLEAR_VAULT_PATH: 'other/path' })).toBeUndefined();
    expect(await find(h, {}, 'NO_SUCH_KEY')).toBeUndefined();
    h.fake.failNext('sys/internal', 1, { status: 404, text: '{"errors":[]}' });
    expect(await find(h, { LINECLEAR_VAULT_PATH: 'other/path' })).toBeUndefined();
  });
});

describe('a secret', () => {
  it('whose newest version was deleted is not there', async () => {
    const h = await house();
    h.fake.softDelete('secret', 'lineclear');
    expect(await find(h)).toBeUndefined();
    h.fake.failNext('sys/internal', 1, { status: 404, text: '{"errors":[]}' });
    expect(await find(h)).toBeUndefined();
    // The older form of the path was not tried: what answered was version 2.
    expect(h.fake.callsTo('secret/lineclear')).toBe(0);
  });

  it('tells its newest version', async () => {
    const h = await house();
    h.fake.put('secret', 'lineclear', { [NAME]: 'hf_y' });
    expect(await find(h)).toEqual({ value: 'hf_y', version: 2 });
  });

  it('is given as text, whatever it is kept as', async () => {
    const h = await house();
    h.fake.put('secret', 'lineclear', { port: 5432, on: true, pair: { user: 'a' }, empty: '', none: null });
    expect(await find(h, {}, 'port')).toEqual({ value: '5432', version: 2 });
    expect(await find(h, {}, 'on')).toEqual({ value: 'true', version: 2 });
    expect(await find(h, {}, 'pair')).toEqual({ value: '{"user":"a"}', version: 2 });
    expect(await find(h, {}, 'none')).toEqual({ value: 'null', version: 2 });
    expect(await find(h, {}, 'empty')).toBeUndefined();
  });

  it.each([
    ['a number that JSON cannot carry', 2 ** 64, /pin has a number too large/],
    ['a text no process can be given', 'a\u0000b', /pin is too large, or holds characters/],
    ['a text of more than 65,536 characters', 'x'.repeat(65_537), /pin is too large/],
  ])('with %s is an error that names it, for who asks for that one alone', async (_what, value, message) => {
    const h = await house();
    h.fake.put('secret', 'lineclear', { pin: value, [NAME]: 'hf_x' });
    await expect(find(h, {}, 'pin')).rejects.toThrow(message);
    expect(await find(h)).toMatchObject({ value: 'hf_x' });
  });
});

describe('an error of Vault', () => {
  it.each<[number, string]>([
    [403, 'denied'],
    [429, 'rate limited'],
    [500, 'failing'],
    [503, 'sealed'],
  ])('%i at the path of version 2 does not lead to that of version 1', async (status, fault) => {
    const h = await house(1);
    h.fake.failNext('sys/internal', 1, { status: 404, text: '{"errors":[]}' });
    h.fake.failNext('secret/data', 9, { status, retryAfterSeconds: 600 });
    await expect(find(h)).rejects.toMatchObject({ fault });
    expect(h.fake.callsTo('secret/lineclear')).toBe(0);
  });

  it('403 says which setting helps when the version could not be asked', async () => {
    const h = await house(1);
    const token = h.fake.issueToken({ ttlSeconds: 60 });
    h.fake.deny('sys/internal');
    h.fake.deny('secret/data');
    await expect(find(h, { VAULT_TOKEN: token })).rejects.toThrow('LINECLEAR_VAULT_KV_VERSION');
    expect(await find(h, { VAULT_TOKEN: token, LINECLEAR_VAULT_KV_VERSION: '1' })).toMatchObject({
      value: 'hf_x',
    });
  });

  it.each(['failing', 'sealed'])('%s when asked of the mount is not taken for an answer', async (fault) => {
    const h = await house();
    h.fake.failNext('sys/internal', 3, { status: fault === 'failing' ? 500 : 503 });
    await expect(find(h)).rejects.toMatchObject({ fault });
    expect(h.fake.callsTo('secret/')).toBe(0);
  });

  it('is told where nothing, or something else, is mounted', async () => {
    const h = await house();
    h.fake.mountTransit('transit', {});
    await expect(find(h, { LINECLEAR_VAULT_MOUNT: 'transit' })).rejects.toThrow(
      'transit is not a key-value mount',
    );
    const known = { LINECLEAR_VAULT_MOUNT: 'nowhere', LINECLEAR_VAULT_KV_VERSION: '2' };
    await expect(find(h, known)).rejects.toThrow('nothing is mounted there');
  });

  it('is never kept: the next one asks again', async () => {
    const h = await house();
    const { source } = await h.open({ LINECLEAR_VAULT_KV_VERSION: '2' });
    h.fake.failNext('secret/data', 3, { status: 500 });
    await expect(source.find('global', [NAME])).rejects.toMatchObject({ fault: 'failing' });
    expect((await source.find('global', [NAME])).size).toBe(1);
  });
});

describe('the source', () => {
  it('reads mount, path and names as the settings say', async () => {
    const h = await house();
    h.fake.mountKv('team/kv', 1);
    h.fake.put('team/kv', 'apps/train', { [NAME]: 'hf_team' });
    h.fake.put('team/kv', 'nvidia/api-key', { value: 'nv', other: 'nv2' });
    const env = {
      LINECLEAR_VAULT_MOUNT: 'team/kv',
      LINECLEAR_VAULT_PATH: 'apps/train',
      LINECLEAR_VAULT_NAMES: 'nvidia-api-key=nvidia/api-key,second=nvidia/api-key#other',
    };
    expect(await find(h, env)).toMatchObject({ value: 'hf_team' });
    expect(await find(h, env, 'nvidia-api-key')).toMatchObject({ value: 'nv' });
    expect(await find(h, env, 'second')).toMatchObject({ value: 'nv2' });
  });

  it('finds a name as it is, and else in capitals as in the environment', async () => {
    const h = await house();
    h.fake.put('secret', 'lineclear', {
      HF_TOKEN: 'capitals',
      WANDB_API_KEY: 'w',
      'wandb-api-key': 'as it is',
    });
    expect(await find(h, {}, 'hf-token')).toMatchObject({ value: 'capitals' });
    expect(await find(h, {}, 'wandb-api-key')).toMatchObject({ value: 'as it is' });
  });

  it('has nothing for one user alone', async () => {
    const h = await house();
    const { source } = await h.open();
    expect(await source.find('user:7', [NAME])).toEqual(new Map());
    expect(await source.presence('user:7', NAME)).toMatchObject({ has: false });
    expect(h.fake.calls).toEqual([]);
  });

  it('tells where a name is, and not its value', async () => {
    const h = await house();
    const { source } = await h.open();
    expect(await source.presence('global', 'hf-token')).toEqual({
      has: true,
      version: 1,
      note: 'HF_TOKEN of secret/lineclear',
    });
    expect(await source.presence('global', 'OTHER')).toEqual({
      has: false,
      note: 'secret/lineclear has no such key',
    });
    const elsewhere = await h.open({ LINECLEAR_VAULT_PATH: 'other' });
    expect(await elsewhere.source.presence('global', NAME)).toEqual({
      has: false,
      note: 'nothing at secret/other',
    });
  });

  it('asks Vault once within LINECLEAR_VAULT_CACHE_SECONDS, and counts what it did not ask', async () => {
    const h = await house();
    const { source } = await h.open({ LINECLEAR_VAULT_CACHE_SECONDS: '30' });
    const value = async (): Promise<unknown> =>
      (await source.find('global', [NAME])).get(NAME)?.value.reveal();
    expect(await value()).toBe('hf_x');
    h.fake.put('secret', 'lineclear', { [NAME]: 'rotated' });
    await h.time.pass(29 * SECOND);
    expect(await value()).toBe('hf_x');
    await h.time.pass(SECOND);
    expect(await value()).toBe('rotated');
    expect(h.fake.callsTo('secret/data')).toBe(2);
    expect(await h.metric('vault_secret_requests_total', { kind: 'static' })).toBe(3);
    expect(await h.metric('vault_secret_cache_hits_total', { kind: 'static' })).toBe(1);
    h.fake.put('secret', 'lineclear', { [NAME]: 'at once' });
    source.forget();
    expect(await value()).toBe('at once');
  });

  it('reads a secret once for all names of one question, even when nothing is kept', async () => {
    const h = await house();
    h.fake.put('secret', 'lineclear', { A: 'a', B: 'b', C: 'c' });
    const { source } = await h.open({ LINECLEAR_VAULT_CACHE_SECONDS: '0' });
    expect((await source.find('global', ['A', 'B', 'C', 'D'])).size).toBe(3);
    expect(h.fake.callsTo('secret/data/lineclear')).toBe(1);
    expect(await h.metric('vault_secret_requests_total')).toBe(4);
    expect(await h.metric('vault_secret_cache_hits_total')).toBe(3);
  });

  it('remembers for ten seconds at most that there is nothing', async () => {
    const h = await house();
    const { source } = await h.open({ LINECLEAR_VAULT_CACHE_SECONDS: '3600', LINECLEAR_VAULT_PATH: 'later' });
    expect((await source.find('global', [NAME])).size).toBe(0);
    h.fake.put('secret', 'later', { [NAME]: 'here now' });
    expect((await source.find('global', [NAME])).size).toBe(0);
    await h.time.pass(10 * SECOND);
    expect((await source.find('global', [NAME])).size).toBe(1);
  });

  it('asks once for all who come at the same time', async () => {
    const h = await house();
    const { source } = await h.open();
    const all = await Promise.all(Array.from({ length: 50 }, () => source.find('global', [NAME, 'OTHER'])));
    expect(all.every((found) => found.size === 1)).toBe(true);
    expect(h.fake.callsTo('secret/data/lineclear')).toBe(1);
  });

  it('prints no value, in the cache or out of it', async () => {
    const h = await house();
    const { source } = await h.open();
    const found = await source.find('global', [NAME]);
    await h.time.pass(HOUR);
    expect(inspect([...found, source], { depth: 20, showHidden: true })).not.toContain('hf_x');
    expect(h.logs.join()).not.toContain('hf_x');
  });
});
