import { startService } from '@lineclear/kit';
import { startFakeAws, startFakeVault, type FakeAws, type FakeVault } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { openHouse, type SecretsHouse } from './house.js';

let aws: FakeAws;
let vault: FakeVault;
let house: SecretsHouse | undefined;

beforeAll(async () => {
  [aws, vault] = await Promise.all([startFakeAws(), startFakeVault()]);
  aws.kms.key('alias/lineclear');
  vault.mountTransit('transit', { lineclear: {} });
  vault.mountKv('secret', 2);
});
afterAll(() => Promise.all([aws?.close(), vault?.close()]));
afterEach(async () => {
  await house?.close();
  house = undefined;
});

const remotes = () =>
  [
    [
      'a key of AWS KMS',
      'aws-kms:alias/lineclear',
      {
        LINECLEAR_KMS_KEY: 'alias/lineclear',
        LINECLEAR_AWS_ENDPOINT: aws.url,
        AWS_DEFAULT_REGION: 'eu-test-1',
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'not a real one',
      },
    ],
    [
      'a key of Vault’s transit',
      'vault-transit:transit/lineclear',
      { VAULT_ADDR: vault.url, VAULT_TOKEN: vault.rootToken, LINECLEAR_VAULT_TRANSIT_KEY: 'lineclear' },
    ],
  ] as const;

/** A house that needs no master key of its own. */
const withoutMasterKey = (env: Record<string, string>) => openHouse({ LINECLEAR_CREDENTIAL_KEY: '', ...env });
const roots = async () => {
  const rows = await house!.service.database.query<{ root_id: string }>('select distinct root_id from kek');
  return rows.map(({ root_id }) => root_id);
};

describe.each([0, 1])('a root key that is elsewhere (%i)', (n) => {
  it('wraps the keys instead of a master key, from the first start on', async () => {
    const [, id, env] = remotes()[n]!;
    house = await withoutMasterKey(env);
    await house.admin.post('/api/secrets', { name: 'FAR', value: 'kept' });
    expect(await roots()).toEqual([id]);
    expect((await house.admin.post('/api/secrets/-/keys/rotate')).status).toBe(202);
    const replica = await house.replica();
    expect(await house.resolve('FAR')).toMatchObject({ values: { FAR: 'kept' } });
    await replica.close();
  });

  it('takes over from a master key, and a master key from it', async () => {
    const [, id, env] = remotes()[n]!;
    house = await openHouse();
    await house.admin.post('/api/secrets', { name: 'MOVED', value: 'kept' });
    expect(await roots()).toEqual([expect.stringMatching(/^local:/)]);
    // Both are known: the one elsewhere wraps from now on.
    const there = await startService(define({ ...house.env, ...env }));
    expect(await roots()).toEqual([id]);
    await there.close();
    const alone = await startService(define({ ...house.env, ...env, LINECLEAR_CREDENTIAL_KEY: '' }));
    await alone.close();
    await expect(startService(define(house.env))).rejects.toThrow(`they need ${id}`);
  });

  it('keeps the service from starting while it is out of reach, and says which', async () => {
    const [, , env] = remotes()[n]!;
    house = await withoutMasterKey(env);
    const away = { LINECLEAR_AWS_ENDPOINT: 'http://127.0.0.1:9', VAULT_ADDR: 'http://127.0.0.1:9' };
    const known = Object.fromEntries(Object.entries(away).filter(([name]) => name in env));
    await expect(startService(define({ ...house.env, ...known }))).rejects.toThrow(/KMS|Vault|not reached/);
  });
});

it('is one: KMS and transit together are refused', () => {
  const [kms, transit] = remotes();
  expect(() => define({ ...house?.env, ...kms[2], ...transit[2] })).toThrow();
});

it('serves Vault’s secrets beside its own, and says where a name comes from', async () => {
  vault.put('secret', 'lineclear', { IN_VAULT: 'from vault' });
  house = await openHouse({ VAULT_ADDR: vault.url, VAULT_TOKEN: vault.rootToken });
  await house.admin.post('/api/secrets', { name: 'IN_STORE', value: 'from the store' });
  expect(await house.resolve('IN_VAULT', 'IN_STORE')).toMatchObject({
    values: { IN_VAULT: 'from vault', IN_STORE: 'from the store' },
  });
  const { body } = await house.admin.get('/api/secrets/IN_VAULT/explain');
  expect(body.found_in).toEqual({ source: 'vault', scope: 'global' });
  expect(JSON.stringify(body)).not.toContain('from vault');
  vault.put('secret', 'lineclear', { IN_VAULT: 'changed' });
  expect((await house.admin.post('/api/secrets/-/cache/clear')).body.cleared).toEqual(['vault']);
  expect(await house.resolve('IN_VAULT')).toMatchObject({ values: { IN_VAULT: 'changed' } });
});
