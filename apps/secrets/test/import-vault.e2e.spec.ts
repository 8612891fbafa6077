import { startFakeVault, type FakeVault } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let vault: FakeVault;
let house: SecretsHouse;
beforeAll(async () => {
  vault = await startFakeVault();
  vault.mountKv('secret', 2);
  vault.mountKv('older', 1);
  house = await openHouse({ VAULT_ADDR: vault.url, VAULT_TOKEN: vault.issueToken({ ttlSeconds: 86_400 }) });
});
afterAll(async () => {
  await house?.close();
  await vault?.close();
});

const send = (body: object, by = house.admin) =>
  by.post('/api/secrets/-/import', { format: 'vault', ...body });
const outcomes = (body: { entries: { name: string; outcome: string }[] }): Record<string, string> =>
  Object.fromEntries(body.entries.map(({ name, outcome }) => [name, outcome]));

it('takes over every key at a path and below it, under names of path and key, after a dry run that changes nothing', async () => {
  vault.put('secret', 'team', { TOP: 'at the path itself' });
  vault.put('secret', 'team/app', { API_KEY: 'key of the app', 'odd key': 'odd', EMPTY: '' });
  vault.put('secret', 'team/deep/er', { N: 5, BIG: 2 ** 64 });
  vault.put('secret', 'team/gone', { X: 'was deleted' });
  vault.softDelete('secret', 'team/gone');
  vault.put('secret', 'teamwork', { Y: 'is beside it' });
  const all = {
    'team.TOP': 'set',
    'team_app.API_KEY': 'set',
    'team_app.odd_key': 'set',
    'team_deep_er.N': 'set',
    'team_deep_er.BIG': 'refused',
  };
  const dry = await send({ path: 'team', dry_run: true });
  expect([dry.body.dry_run, outcomes(dry.body)]).toEqual([true, all]);
  expect(await house.resolve('team_app.API_KEY')).toEqual({ missing: ['team_app.API_KEY'] });
  const answer = await send({ path: 'team' });
  expect(outcomes(answer.body)).toEqual(all);
  expect(answer.body.entries[1]).toMatchObject({ key: 'team/app.API_KEY', version: 1 });
  expect(JSON.stringify(answer.body)).not.toContain('key of the app');
  expect(await house.resolve('team_app.API_KEY', 'team_deep_er.N')).toMatchObject({
    values: { 'team_app.API_KEY': 'key of the app', 'team_deep_er.N': '5' },
  });
});

it('keeps what has another value unless it is told to overwrite', async () => {
  vault.put('secret', 'again', { A: 'one' });
  await send({ path: 'again' });
  vault.put('secret', 'again', { A: 'two' });
  expect(outcomes((await send({ path: 'again' })).body)).toEqual({ 'again.A': 'kept' });
  expect(outcomes((await send({ path: 'again', overwrite: true })).body)).toEqual({ 'again.A': 'set' });
  expect(outcomes((await send({ path: 'again' })).body)).toEqual({ 'again.A': 'unchanged' });
});

describe.each([
  ['1', 'older', {}],
  ['2', 'secret', {}],
  ['1, which is not told,', 'older', { untold: true }],
  ['2, which is not told,', 'secret', { untold: true }],
])('a mount of version %s', (_version, mount, { untold = false }: { untold?: boolean }) => {
  it('is read from its root on, without a path', async () => {
    const own = await startFakeVault();
    own.mountKv(mount, mount === 'secret' ? 2 : 1);
    own.put(mount, 'a/b', { C: 'value' });
    own.put(mount, 'd', { E: 'value' });
    if (untold) own.deny('sys/internal');
    const token = own.issueToken({ ttlSeconds: 3_600 });
    const other = await openHouse({
      VAULT_ADDR: own.url,
      VAULT_TOKEN: token,
      LINECLEAR_VAULT_MOUNT: mount,
    });
    try {
      expect(outcomes((await send({}, other.admin)).body)).toEqual({ 'a_b.C': 'set', 'd.E': 'set' });
    } finally {
      await other.close();
      await own.close();
    }
  });
});

it('tells what Vault denies, one by one, and says it of a folder as an error', async () => {
  vault.put('secret', 'half/open', { A: 'value' });
  vault.put('secret', 'half/shut', { B: 'value' });
  vault.deny('secret/data/half/shut');
  expect((await send({ path: 'half' })).body.entries).toMatchObject([
    { name: 'half_open.A', outcome: 'set' },
    { name: 'half_shut', outcome: 'refused', why: 'Vault denies reading it' },
  ]);
  vault.deny('secret/metadata/half');
  expect(await send({ path: 'half' })).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('permission denied') },
  });
});

it('is bounded, and says where it stops: nothing is set then', async () => {
  vault.put('secret', 'down/1/2/3/4/5/6/7/8/9/10/end', { A: 'value' });
  expect(outcomes((await send({ path: 'down', dry_run: true })).body)).toEqual({
    'down_1_2_3_4_5_6_7_8_9_10_end.A': 'set',
  });
  vault.put('secret', 'down/1/2/3/4/5/6/7/8/9/10/11/end', { B: 'value' });
  const wide = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`K${n}`, 'value']));
  vault.put('secret', 'wide/one', wide);
  for (let n = 0; n <= 1_000; n += 1) vault.put('secret', `many/s${n}`, { A: 'value' });
  const reads = vault.callsTo('secret/data/many');
  for (const [path, says] of [
    ['down', 'goes deeper than 10 folders, to down/1/2/3/4/5/6/7/8/9/10/11'],
    ['wide', 'has more than 1000 secrets below it'],
    ['many', 'has more than 1000 paths below it'],
    ['none', 'has nothing in it or below it'],
  ] as const)
    expect(await send({ path })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'path', message: expect.stringContaining(says) }] },
    });
  expect(vault.callsTo('secret/data/many')).toBe(reads);
  expect((await house.resolve('wide_one.K0')).missing).toEqual(['wide_one.K0']);
});

it.each<[object, string]>([
  [{ path: '../up' }, 'path'],
  [{ path: '/team' }, 'path'],
  [{ path: 'team', content: 'A=b' }, 'content'],
  [{ path: 'team', from_user_id: 1 }, 'from_user_id'],
  [{ format: 'dotenv', content: 'A=b', path: 'team' }, 'path'],
])('refuses %j', async (body, field) => {
  const answer = await send(body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toContainEqual(expect.objectContaining({ path: field }));
});

it("needs the right to set there, and admin.config, for it reads the house's Vault", async () => {
  vault.put('secret', 'rights', { A: 'value' });
  const body = { path: 'rights', scope: 'user' };
  expect(await send(body, house.ada)).toMatchObject({
    status: 403,
    body: { detail: expect.stringContaining('admin.config') },
  });
  expect((await send(body, house.admin)).status).toBe(200);
  expect(vault.callsTo('secret/metadata/rights')).toBe(1);
});

it('says that there is no Vault where none is configured', async () => {
  const none = await openHouse();
  try {
    expect(await send({ path: 'team' }, none.admin)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'format', message: expect.stringContaining('VAULT_ADDR') }] },
    });
  } finally {
    await none.close();
  }
});
