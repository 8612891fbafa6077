import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Secret, Unavailable } from '@lineclear/kit';
import { startFakeVault, type FakeVault, type VaultFault } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VaultFailed } from '../src/vault/vault-failed.js';
import { VaultHttp, type VaultHttpOptions } from '../src/vault/vault-http.js';
import { vaultHouse } from './vault-house.js';

const certificate = (name: string): string => fileURLToPath(new URL(`certificates/${name}`, import.meta.url));
const TLS = {
  certificate: readFileSync(certificate('server.pem'), 'utf8'),
  key: readFileSync(certificate('server.key'), 'utf8'),
};

let fake: FakeVault;
const open: VaultHttp[] = [];

beforeAll(async () => {
  fake = await startFakeVault();
  fake.mountKv('kv', 1);
  fake.put('kv', 'there', { a: 'b' });
});
afterAll(async () => {
  await Promise.all(open.map((http) => http.close()));
  await fake.close();
});

function httpTo(change: Partial<VaultHttpOptions> = {}): { http: VaultHttp; pauses: number[] } {
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const http = new VaultHttp({ address: fake.url, timeoutMs: 5_000, random: () => 0, pause, ...change });
  open.push(http);
  return { http, pauses };
}

const read = (http: VaultHttp, repeatable = true): Promise<unknown> =>
  http.call({ method: 'GET', path: 'kv/there', repeatable }, new Secret(fake.rootToken));

describe('an answer that is no success', () => {
  it.each<[VaultFault, VaultFailed['fault'], RegExp]>([
    [{ status: 400 }, 'invalid', /answered 400/],
    [{ status: 403, text: '{"errors":["permission denied"]}' }, 'denied', /403: permission denied/],
    [{ status: 404, text: '<html>lost</html>' }, 'unreadable', /not Vault's/],
    [{ status: 404, text: '{"errors":["no handler for route"]}' }, 'not found', /nothing is mounted/],
    [{ status: 405 }, 'invalid', /405/],
    [{ status: 429, retryAfterSeconds: 60 }, 'rate limited', /429/],
    [{ status: 500 }, 'failing', /500/],
    [{ status: 502 }, 'failing', /502/],
    [{ status: 503, text: '{"errors":["Vault is sealed"]}' }, 'sealed', /the server is sealed/],
    [{ status: 307, location: 'http://127.0.0.1:1/v1/kv/there' }, 'unreadable', /active node/],
    [{ status: 200, text: '<html>welcome</html>' }, 'unreadable', /not Vault's/],
    [{ status: 200, text: '{"data":"text"}' }, 'unreadable', /not Vault's/],
    ['cut before', 'no answer', /no answer/],
    ['cut after', 'no answer', /no answer/],
  ])('%j is told as %s, and nobody takes it for "not there"', async (fault, kind, message) => {
    fake.failNext('kv/there', 1, fault);
    const error = await read(httpTo().http, false).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unavailable);
    expect(error).toMatchObject({ fault: kind, message: expect.stringMatching(message) as string });
  });

  it('tells for how long to stay away when the server says so', async () => {
    fake.failNext('kv/there', 1, { status: 429, retryAfterSeconds: 60 });
    await expect(read(httpTo().http)).rejects.toMatchObject({ headers: { 'retry-after': '60' } });
  });

  it('says that there is nothing only when Vault says it', async () => {
    const answer = await httpTo().http.call(
      { method: 'GET', path: 'kv/missing' },
      new Secret(fake.rootToken),
    );
    expect(answer).toMatchObject({ status: 404, body: { errors: [] } });
  });
});

describe('a call', () => {
  it.each<[string, VaultFault]>([
    ['a 500', { status: 500 }],
    ['a cut connection', 'cut before'],
    ['an answer that is lost', 'cut after'],
    ['a short 429', { status: 429, retryAfterSeconds: 1 }],
  ])('that may be repeated is, after %s', async (_what, fault) => {
    const { http, pauses } = httpTo();
    fake.failNext('kv/there', 2, fault);
    await expect(read(http)).resolves.toMatchObject({ body: { data: { a: 'b' } } });
    expect(pauses).toEqual(
      typeof fault === 'object' && 'status' in fault && fault.status === 429 ? [1_000, 1_000] : [100, 200],
    );
  });

  it.each<[string, VaultFault]>([
    ['is denied', { status: 403 }],
    ['is wrong', { status: 400 }],
    ['meets a sealed server', { status: 503 }],
    ['is told to stay away for long', { status: 429, retryAfterSeconds: 600 }],
  ])('that %s is not repeated', async (_what, fault) => {
    const { http } = httpTo();
    const before = fake.callsTo('kv/there');
    fake.failNext('kv/there', 1, fault);
    await expect(read(http)).rejects.toBeInstanceOf(VaultFailed);
    expect(fake.callsTo('kv/there') - before).toBe(1);
  });

  it('is tried three times at most', async () => {
    const { http, pauses } = httpTo({ random: () => 0.999 });
    const before = fake.callsTo('kv/there');
    fake.failNext('kv/there', 3, { status: 500 });
    await expect(read(http)).rejects.toMatchObject({ fault: 'failing' });
    expect(fake.callsTo('kv/there') - before).toBe(3);
    expect(pauses).toEqual([199, 399]);
  });

  it('that may not be repeated is made once', async () => {
    const before = fake.callsTo('kv/there');
    fake.failNext('kv/there', 1, 'cut after');
    await expect(read(httpTo().http, false)).rejects.toMatchObject({ fault: 'no answer' });
    expect(fake.callsTo('kv/there') - before).toBe(1);
  });

  it('ends when the server does not answer, and is not made again: that would make a slow one slower', async () => {
    const before = fake.callsTo('kv/there');
    fake.failNext('kv/there', 1, 'hang');
    // Long enough for the call to arrive there.
    await expect(read(httpTo({ timeoutMs: 1_000 }).http)).rejects.toThrow('within 1000 ms');
    expect(fake.callsTo('kv/there') - before).toBe(1);
  });

  it('reads no more of an answer than it may', async () => {
    fake.put('kv', 'long', { text: 'x'.repeat(5_000) });
    const { http } = httpTo({ maxAnswerBytes: 4_000 });
    const call = http.call({ method: 'GET', path: 'kv/long' }, new Secret(fake.rootToken));
    await expect(call).rejects.toMatchObject({
      fault: 'unreadable',
      message: expect.stringContaining('4000 bytes') as string,
    });
  });

  it.each(['kv/../sys/health', 'kv/./there', 'kv//there', '/kv/there'])('does not go to %s', async (path) => {
    const before = fake.calls.length;
    await expect(httpTo().http.call({ method: 'GET', path })).rejects.toThrow('is not a path');
    expect(fake.calls.length).toBe(before);
  });

  it('says where nobody listens, without a word of the token', async () => {
    const token = 'hvs.never-to-be-seen';
    const gone = await startFakeVault();
    await gone.close();
    const { http } = httpTo({ address: gone.url });
    const error = await http
      .call({ method: 'GET', path: 'kv/there' }, new Secret(token))
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      fault: 'no answer',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token);
  });

  it('passes on nothing of what the server says, which may repeat what was sent', async () => {
    fake.failNext('kv/there', 1, { status: 400, text: `{"errors":["bad token ${fake.rootToken}"]}` });
    const error = await read(httpTo().http).catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(fake.rootToken);
  });
});

describe('the settings', () => {
  it('VAULT_CACERT: the server is believed when that authority signed for it, and else not', async () => {
    const { open: openVault, fake: secure } = await vaultHouse({ tls: TLS });
    secure.mountKv('secret', 2);
    secure.put('secret', 'lineclear', { HF_TOKEN: 'hf_x' });
    const read = async (env: Record<string, string>): Promise<number> =>
      (
        await (
          await openVault({ LINECLEAR_VAULT_TIMEOUT_SECONDS: '3', ...env })
        ).source.find('global', ['HF_TOKEN'])
      ).size;
    await expect(read({ VAULT_CACERT: certificate('ca.pem') })).resolves.toBe(1);
    await expect(read({ VAULT_CACERT: certificate('other-ca.pem') })).rejects.toMatchObject({
      fault: 'no answer',
    });
    await expect(read({})).rejects.toMatchObject({ fault: 'no answer' });
    await expect(read({ VAULT_CACERT: '/nowhere/ca.pem' })).rejects.toThrow(
      'VAULT_CACERT names /nowhere/ca.pem',
    );
    await expect(read({ VAULT_CACERT: certificate('server.key') })).rejects.toThrow('holds no certificate');
  });

  it('VAULT_NAMESPACE: what lies in another namespace is not seen', async () => {
    const { open: openVault, fake: shared } = await vaultHouse();
    shared.mountKv('secret', 2, 'team/ml');
    shared.put('secret', 'lineclear', { HF_TOKEN: 'hf_of_ml' }, 'team/ml');
    const token = shared.issueToken({ ttlSeconds: 3_600 }, 'team/ml');
    const inside = await openVault({ VAULT_TOKEN: token, VAULT_NAMESPACE: 'team/ml' });
    const found = await inside.source.find('global', ['HF_TOKEN']);
    expect(found.get('HF_TOKEN')?.value.reveal()).toBe('hf_of_ml');
    const outside = await openVault({ VAULT_TOKEN: token });
    await expect(outside.source.find('global', ['HF_TOKEN'])).rejects.toMatchObject({ fault: 'denied' });
  });

  it('LINECLEAR_VAULT_TIMEOUT_SECONDS: so long an answer is waited for', async () => {
    const { open: openVault, fake: slow } = await vaultHouse();
    slow.failNext('auth/token/lookup-self', 1, 'hang');
    const vault = await openVault({ LINECLEAR_VAULT_TIMEOUT_SECONDS: '0.05' });
    await expect(vault.source.find('global', ['X'])).rejects.toThrow('within 50 ms');
  });

  it('VAULT_ADDR: one that is neither https nor of this machine is warned of', async () => {
    const house = await vaultHouse();
    await house.open();
    expect(house.logs).toEqual([]);
    await house.open({ VAULT_ADDR: 'http://vault.example.com:8200' });
    expect(house.logs.join()).toContain('VAULT_ADDR is not https');
  });
});
