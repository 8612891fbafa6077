import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Vault } from '../src/vault/open-vault.js';
import { HOUR, MINUTE, SECOND, vaultHouse, type VaultHouse } from './vault-house.js';

const JWT = 'eyJ.service-account.canary';
const SECRET_ID = 'secret-id-canary';

/** A house with a secret to read, which nobody keeps in a cache. */
async function house(): Promise<VaultHouse & { read: (vault: Vault) => Promise<string | undefined> }> {
  const made = await vaultHouse();
  made.fake.mountKv('secret', 2);
  made.fake.put('secret', 'lineclear', { HF_TOKEN: 'hf_x' });
  return {
    ...made,
    open: (env, more) => made.open({ LINECLEAR_VAULT_CACHE_SECONDS: '0', ...env }, more),
    read: async (vault) => (await vault.source.find('global', ['HF_TOKEN'])).get('HF_TOKEN')?.value.reveal(),
  };
}

describe('a login', () => {
  it('with VAULT_TOKEN asks the token about itself, and does not revoke it at the end', async () => {
    const { fake, open, read } = await house();
    const token = fake.issueToken({ ttlSeconds: 3_600 });
    const vault = await open({ VAULT_TOKEN: token });
    expect(await read(vault)).toBe('hf_x');
    await vault.close();
    expect(fake.callsTo('auth/token/lookup-self')).toBe(1);
    expect(fake.callsTo('auth/token/revoke-self')).toBe(0);
  });

  it('with VAULT_TOKEN_FILE reads the file anew when the token in it has ended', async () => {
    const { fake, open, read, file, time } = await house();
    const path = await file(`${fake.issueToken({ ttlSeconds: 60, renewable: false })}\n`);
    const vault = await open({ VAULT_TOKEN_FILE: path });
    expect(await read(vault)).toBe('hf_x');
    await writeFile(path, fake.issueToken({ ttlSeconds: 3_600 }));
    await time.pass(2 * MINUTE);
    expect(await read(vault)).toBe('hf_x');
  });

  it('with a service account reads its token at each login, and gives the token back at the end', async () => {
    const { fake, open, read, file, time } = await house();
    fake.addKubernetesRole('lineclear', JWT, { mount: 'k8s/eu', ttlSeconds: 60, maxTtlSeconds: 60 });
    const path = await file(JWT);
    const vault = await open({
      VAULT_ROLE: 'lineclear',
      LINECLEAR_VAULT_AUTH_MOUNT: 'k8s/eu',
      LINECLEAR_VAULT_JWT_FILE: path,
    });
    expect(await read(vault)).toBe('hf_x');
    await writeFile(path, `${JWT}.next`);
    fake.addKubernetesRole('lineclear', `${JWT}.next`, { mount: 'k8s/eu', ttlSeconds: 3_600 });
    await time.pass(5 * MINUTE);
    expect(await read(vault)).toBe('hf_x');
    expect(
      fake.calls.filter(({ path: at }) => at === 'auth/k8s/eu/login').map(({ body }) => body['jwt']),
    ).toContain(`${JWT}.next`);
    await vault.close();
    expect(fake.callsTo('auth/token/revoke-self')).toBe(1);
  });

  it.each(['given', 'in a file'])('with an AppRole whose secret id is %s', async (how) => {
    const { fake, open, read, file } = await house();
    fake.addAppRole('role-1', SECRET_ID, { ttlSeconds: 60 });
    const secretId: Record<string, string> =
      how === 'given'
        ? { LINECLEAR_VAULT_SECRET_ID: SECRET_ID }
        : { LINECLEAR_VAULT_SECRET_ID_FILE: await file(`${SECRET_ID}\n`) };
    const vault = await open({ LINECLEAR_VAULT_ROLE_ID: 'role-1', ...secretId });
    expect(await read(vault)).toBe('hf_x');
  });

  it.each<[string, Record<string, string>]>([
    ['token', { VAULT_TOKEN: 'hvs.canary' }],
    ['approle', { LINECLEAR_VAULT_ROLE_ID: 'other', LINECLEAR_VAULT_SECRET_ID: SECRET_ID }],
    ['kubernetes', { VAULT_ROLE: 'other', LINECLEAR_VAULT_JWT_FILE: 'a file with the token' }],
  ])('by %s that is refused is counted, and tells nothing of what was sent', async (method, env) => {
    const { open, read, file, metric, logs } = await house();
    const path = env['LINECLEAR_VAULT_JWT_FILE'] && { LINECLEAR_VAULT_JWT_FILE: await file(JWT) };
    const vault = await open({ ...env, ...path });
    const error = await read(vault).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 503, fault: method === 'approle' ? 'invalid' : 'denied' });
    expect(await metric('vault_auth_failures_total', { method })).toBe(1);
    expect(`${logs.join()}${String(error)}`).not.toContain('canary');
  });

  it.each([
    ['/nowhere/jwt', 'ENOENT'],
    ['an empty file', 'holds no token'],
  ])('from %s says which variable names it', async (path, why) => {
    const { open, read, file } = await house();
    const at = path.startsWith('/') ? path : await file(' \n');
    const vault = await open({ VAULT_ROLE: 'x', LINECLEAR_VAULT_JWT_FILE: at });
    await expect(read(vault)).rejects.toThrow(new RegExp(`LINECLEAR_VAULT_JWT_FILE.*${why}`));
  });

  it('is one for all who come at the same time', async () => {
    const { fake, open, read } = await house();
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 60 });
    const vault = await open({ LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: SECRET_ID });
    await Promise.all(Array.from({ length: 20 }, () => read(vault)));
    expect(fake.callsTo('auth/approle/login')).toBe(1);
  });

  it('that failed is not tried by everyone who comes: the server would lock us out', async () => {
    const { fake, open, read, time } = await house();
    const vault = await open({ LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: SECRET_ID });
    for (let at = 0; at < 10; at += 1) await expect(read(vault)).rejects.toMatchObject({ fault: 'invalid' });
    expect(fake.callsTo('auth/approle/login')).toBe(1);
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 60 });
    await time.pass(SECOND);
    expect(await read(vault)).toBe('hf_x');
  });
});

describe('a token that is held', () => {
  const appRole = { LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: SECRET_ID };

  it('and was revoked leads to exactly one login and one more try, however many come', async () => {
    const { fake, open, read, time } = await house();
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 3_600 });
    const vault = await open({ ...appRole, LINECLEAR_VAULT_KV_VERSION: '2' });
    await read(vault);
    const token = fake.calls.at(-1)?.token;
    await time.pass(MINUTE);
    fake.revokeToken(token ?? '');
    const before = fake.callsTo('secret/data/lineclear');
    const leases = ['a', 'b', 'c', 'd'].map((name) => `db/creds/${name}`);
    for (const path of leases) fake.addDynamic(path, { ttlSeconds: 60 });
    const paths = leases.map((path) => vault.client.call({ method: 'GET', path }));
    await Promise.all([read(vault), ...paths]);
    expect(fake.callsTo('auth/approle/login')).toBe(2);
    expect(fake.callsTo('secret/data/lineclear') - before).toBe(2);
    expect(fake.callsTo('db/creds/a')).toBe(2);
  });

  it('and may not do a thing leads to no storm of logins', async () => {
    const { fake, open, read, time } = await house();
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 3_600 });
    const vault = await open({ ...appRole, LINECLEAR_VAULT_KV_VERSION: '2' });
    fake.deny('secret/');
    await expect(read(vault)).rejects.toMatchObject({ fault: 'denied' });
    await time.pass(MINUTE);
    for (let at = 0; at < 20; at += 1) await expect(read(vault)).rejects.toMatchObject({ fault: 'denied' });
    expect(fake.callsTo('auth/approle/login')).toBe(2);
  });

  it('is renewed at 70 % of its time, for as long as it can be', async () => {
    const { fake, open, read, time } = await house();
    const token = fake.issueToken({ ttlSeconds: 3_600 });
    const vault = await open({ VAULT_TOKEN: token });
    await read(vault);
    await time.pass(41 * MINUTE);
    expect(fake.callsTo('auth/token/renew-self')).toBe(0);
    await time.pass(2 * MINUTE);
    expect(fake.callsTo('auth/token/renew-self')).toBe(1);
    await time.pass(24 * HOUR);
    expect(fake.callsTo('auth/token/renew-self')).toBeGreaterThan(30);
    expect(await read(vault)).toBe('hf_x');
  });

  it('is replaced by a new login before its last renewal runs out', async () => {
    const { fake, open, read, time, metric } = await house();
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 3_600, maxTtlSeconds: 7_200 });
    const vault = await open(appRole);
    await read(vault);
    for (let hour = 0; hour < 12; hour += 1) {
      await time.pass(HOUR);
      expect(await read(vault)).toBe('hf_x');
    }
    // Nobody ever met a token that had ended.
    expect(await metric('vault_auth_failures_total')).toBe(0);
    expect(fake.callsTo('auth/approle/login')).toBeGreaterThan(5);
    expect(fake.callsTo('auth/token/renew-self')).toBeGreaterThan(5);
  });

  it('whose renewals fail is tried for so many times only, and counted', async () => {
    const { fake, open, read, time, metric } = await house();
    const vault = await open({ VAULT_TOKEN: fake.issueToken({ ttlSeconds: 3_600 }) });
    await read(vault);
    fake.failNext('auth/token/', 100_000, { status: 500 });
    await time.pass(2 * HOUR);
    const calls = fake.callsTo('auth/token/');
    expect(calls).toBeGreaterThan(3);
    expect(calls).toBeLessThan(60);
    expect(await metric('vault_lease_renewal_errors_total', { of: 'token' })).toBeGreaterThan(3);
    await time.pass(24 * HOUR);
    expect(fake.callsTo('auth/token/')).toBe(calls);
  });

  it('that was given and cannot be renewed is said to end', async () => {
    const { fake, open, read, time, logs } = await house();
    const vault = await open({ VAULT_TOKEN: fake.issueToken({ ttlSeconds: 3_600, renewable: false }) });
    await read(vault);
    await time.pass(50 * MINUTE);
    expect(logs.join()).toContain('set VAULT_TOKEN anew');
    expect(await read(vault)).toBe('hf_x');
    expect(time.waiting).toBe(0);
  });

  it('that never ends is left alone', async () => {
    const { open, read, time } = await house();
    await read(await open());
    expect(time.waiting).toBe(0);
  });

  it('is let go at the end even when Vault does not take it back', async () => {
    const { fake, open, read, logs } = await house();
    fake.addAppRole('r', SECRET_ID, { ttlSeconds: 60 });
    const vault = await open(appRole);
    await read(vault);
    fake.seal(true);
    await vault.close();
    expect(logs.join()).toContain('could not be given back');
    await expect(read(vault)).rejects.toMatchObject({ fault: 'no answer' });
  });
});
