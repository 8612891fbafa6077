import { scanTexts } from '@lineclear/contracts';
import { client, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

const TOKEN = 'hf_ScanCanary_77';
let house: SecretsHouse;
let ada: Client;
let adaId: number;

beforeAll(async () => {
  house = await openHouse();
  const person = house.folk.add('researcher');
  ada = client(house.service.url, person.token);
  adaId = person.principal.user_id;
});
afterAll(() => house?.close());

const scan = async (text: string, userId = adaId) =>
  (await house.peer.ask(scanTexts, { texts: [{ path: 'config', text, user_id: userId }] })).found;
const set = (name: string, value: string, by: Client = house.admin, scope = 'global') =>
  by.post('/api/secrets', { name, value, scope });

it('finds a secret in any form, as soon as it is set', async () => {
  expect(await scan(TOKEN)).toEqual([]);
  await set('HF_TOKEN', TOKEN);
  const base64 = Buffer.from(`user:${TOKEN}`).toString('base64');
  for (const text of [`x ${TOKEN}!`, `Basic ${base64}`, Buffer.from(TOKEN).toString('hex')])
    expect(await scan(text), text).toEqual([{ path: 'config', name: 'HF_TOKEN', scope: 'global' }]);
  expect(await scan('hf_ScanCanary_7')).toEqual([]);
});

it('finds the value that is current, and no other', async () => {
  await set('ROTATED', 'first-value-of-it');
  expect(await scan('first-value-of-it')).toHaveLength(1);
  await set('ROTATED', 'second-value-of-it');
  expect(await scan('first-value-of-it')).toEqual([]);
  expect(await scan('second-value-of-it')).toHaveLength(1);
  await house.admin.delete('/api/secrets/ROTATED');
  expect(await scan('second-value-of-it')).toEqual([]);
  await house.admin.post('/api/secrets/ROTATED/undelete', {});
  expect(await scan('second-value-of-it')).toHaveLength(1);
  await house.admin.delete('/api/secrets/ROTATED?purge=true');
  await vi.waitFor(async () => expect(await scan('second-value-of-it')).toEqual([]));
});

it('finds what another replica was told to keep', async () => {
  const replica = await house.replica();
  const elsewhere = client(replica.url, house.adminToken);
  await set('ELSEWHERE', 'value-from-elsewhere', elsewhere);
  expect(await scan('value-from-elsewhere')).toHaveLength(1);
});

it("names one's own secrets and everybody's, and says of another's only that there is one", async () => {
  await set('MINE', 'value-of-ada-alone', ada, 'user');
  expect(await scan('value-of-ada-alone')).toEqual([{ path: 'config', name: 'MINE', scope: 'own' }]);
  expect(await scan('value-of-ada-alone', adaId + 1)).toEqual([{ path: 'config', scope: 'other' }]);
});

it('finds a long value by its middle, and looks for no short one', async () => {
  const key = `-----BEGIN KEY-----\n${'QUJD'.repeat(60)}${'REVG'.repeat(60)}\n-----END KEY-----`;
  await set('KEY', key);
  expect(await scan(JSON.stringify({ key }))).toMatchObject([{ name: 'KEY' }]);
  expect(await scan('-----BEGIN KEY-----\n-----END KEY-----')).toEqual([]);
  await set('SHORT', 'seven77');
  expect(await scan('seven77')).toEqual([]);
});

it('still looks for the others when one does not open', async () => {
  await set('BROKEN', 'value-that-is-broken');
  await house.service.database.query(
    `update secret_versions set ciphertext = ciphertext || 'x'::bytea
      where secret_id = (select id from secrets where name = 'BROKEN')`,
  );
  await set('WHOLE', 'value-that-is-whole');
  expect(await scan('value-that-is-broken value-that-is-whole')).toEqual([
    { path: 'config', name: 'WHOLE', scope: 'global' },
  ]);
});

it.each([
  ['more texts than one question takes', Array.from({ length: 51 }, () => 'text')],
  ['more characters', ['a'.repeat(200_000), 'b'.repeat(100_001)]],
])('refuses %s', async (_, texts) => {
  await expect(
    house.peer.ask(scanTexts, { texts: texts.map((text) => ({ path: 'x', text, user_id: 1 })) }),
  ).rejects.toThrow();
});
