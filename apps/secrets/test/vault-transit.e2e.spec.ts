import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { RootKey } from '../src/keys/root-key.js';
import { vaultHouse, type VaultHouse } from './vault-house.js';

const KEY = randomBytes(32);
const CONTEXT = { purpose: 'kek', key_id: 'kek_1' };

async function house(env: Record<string, string> = {}): Promise<VaultHouse & { transit: RootKey }> {
  const made = await vaultHouse();
  made.fake.mountTransit('transit', { lineclear: {}, other: {}, old: { ignoresAssociatedData: true } });
  made.fake.mountTransit('team/transit', { lineclear: {} });
  const { transit } = await made.open({ LINECLEAR_VAULT_TRANSIT_KEY: 'lineclear', ...env });
  if (!transit) throw new Error('no transit key in this environment');
  return { ...made, transit };
}

it('wraps a key and unwraps it again, in whatever order the context is written', async () => {
  const { transit } = await house();
  const wrapped = await transit.wrap(KEY, CONTEXT);
  expect(wrapped.toString()).toMatch(/^vault:v1:/);
  expect(wrapped.includes(KEY.toString('base64'))).toBe(false);
  expect(await transit.unwrap(wrapped, { key_id: 'kek_1', purpose: 'kek' })).toEqual(KEY);
});

it.each([
  ['another key id', { ...CONTEXT, key_id: 'kek_2' }],
  ['another purpose', { ...CONTEXT, purpose: 'audit' }],
])('does not open for %s', async (_what, context) => {
  const { transit } = await house();
  const wrapped = await transit.wrap(KEY, CONTEXT);
  await expect(transit.unwrap(wrapped, context)).rejects.toMatchObject({ name: 'CannotOpen' });
});

it.each([
  ['a changed bit', (wrapped: string) => wrapped.replace(/.{8}$/, 'AAAAAAA=')],
  ['something that never was one', () => 'hello'],
])('does not open %s', async (_what, change) => {
  const { transit } = await house();
  const wrapped = await transit.wrap(KEY, CONTEXT);
  await expect(transit.unwrap(Buffer.from(change(wrapped.toString())), CONTEXT)).rejects.toMatchObject({
    name: 'CannotOpen',
  });
});

it('does not open what another transit key wrapped', async () => {
  const { transit, open } = await house();
  const { transit: other } = await open({ LINECLEAR_VAULT_TRANSIT_KEY: 'other' });
  const wrapped = await transit.wrap(KEY, CONTEXT);
  await expect(other?.unwrap(wrapped, CONTEXT)).rejects.toMatchObject({ name: 'CannotOpen' });
});

it('is told apart by mount and key', async () => {
  const { transit } = await house();
  expect(transit.id).toBe('vault-transit:transit/lineclear');
  const { transit: team } = await house({ LINECLEAR_VAULT_TRANSIT_MOUNT: 'team/transit' });
  expect(team.id).toBe('vault-transit:team/transit/lineclear');
  expect(await team.unwrap(await team.wrap(KEY, CONTEXT), CONTEXT)).toEqual(KEY);
});

it('is none where no key is named', async () => {
  const { open } = await vaultHouse();
  expect((await open()).transit).toBeUndefined();
});

it('refuses a server that does not bind what it encrypts to its context', async () => {
  const { transit } = await house({ LINECLEAR_VAULT_TRANSIT_KEY: 'old' });
  await expect(transit.wrap(KEY, CONTEXT)).rejects.toThrow('Vault 1.12');
});

it.each<[string, { status: number; text?: string }, string]>([
  ['is sealed', { status: 503 }, 'sealed'],
  ['denies', { status: 403 }, 'denied'],
  ['has no such key', { status: 400, text: '{"errors":["encryption key not found"]}' }, 'invalid'],
  ['fails', { status: 500 }, 'failing'],
])('of a server that %s says so: it is not taken for a key that does not fit', async (_what, fault, kind) => {
  const { transit, fake } = await house();
  const wrapped = await transit.wrap(KEY, CONTEXT);
  fake.failNext('transit/', 9, fault);
  await expect(transit.unwrap(wrapped, CONTEXT)).rejects.toMatchObject({
    name: 'VaultFailed',
    status: 503,
    fault: kind,
  });
});

it('prints nothing of a key', async () => {
  const { transit, fake, logs } = await house();
  fake.failNext('transit/', 9, { status: 400, text: `{"errors":["bad ${KEY.toString('base64')}"]}` });
  const error = await transit.wrap(KEY, CONTEXT).catch((thrown: unknown) => thrown);
  expect(`${String(error)}${logs.join()}`).not.toContain(KEY.toString('base64'));
});
