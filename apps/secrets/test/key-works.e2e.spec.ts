import { randomUUID } from 'node:crypto';
import { kekRetired, kekRotated, resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import type { Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startWork } from '../src/db/key-works.repo.js';
import { insertKek } from '../src/db/keys.repo.js';
import { KeepHouse } from '../src/jobs/keep-house.js';
import { KeyRing } from '../src/keys/key-ring.js';
import { KeyWorks } from '../src/keys/key-works.js';
import { openHouse, type SecretsHouse } from './house.js';

const SECRETS = 10_000;
let house: SecretsHouse;
let admin: Client;

beforeAll(async () => {
  // Rounds come when a test asks for them.
  house = await openHouse({ LINECLEAR_SECRETS_SWEEP_SECONDS: '3600' });
  admin = house.as('admin');
});
afterAll(() => house?.close());

const name = (n: number): string => `many.${n}`;
const value = (n: number): string => `value ${n}`;

/** Ten thousand secrets with one version each, sealed as the service seals them. */
async function fill(): Promise<void> {
  const ring = house.service.app.get(KeyRing);
  const kek = await ring.newest();
  const ids = Array.from({ length: SECRETS }, () => randomUUID());
  const records = ids.map((secretId, n) =>
    ring.seal(kek, { purpose: 'secret', scope: 'global', secretId, name: name(n), version: 1 }, value(n)),
  );
  const { database } = house.service;
  await database.query(
    `insert into secrets (id, scope, name, current_version, created_at, updated_at)
     select id, 'global', name, 1, now(), now() from unnest($1::uuid[], $2::text[]) n (id, name)`,
    [ids, ids.map((_, n) => name(n))],
  );
  await database.query(
    `insert into secret_versions (secret_id, version, kek_id, wrapped_key, nonce, ciphertext, created_at)
     select id, 1, $2, wrapped, nonce, text, now() from unnest($1::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) n (id, wrapped, nonce, text)`,
    [
      ids,
      kek.id,
      records.map((r) => r.wrappedKey),
      records.map((r) => r.nonce),
      records.map((r) => r.ciphertext),
    ],
  );
}

async function released(...numbers: number[]): Promise<string[]> {
  const key = new SealingKey();
  const { box } = await house.peer.ask(resolveSecrets, {
    names: numbers.map(name),
    for: { purpose: 'provider', provider: 'p' },
    public_key: key.publicKey,
  });
  const values = JSON.parse(await key.open(box!)) as Record<string, string>;
  return numbers.map((n) => values[name(n)]!);
}
const keys = async () => (await admin.get('/api/secrets/-/keys')).body;
const ciphertexts = async (): Promise<string[]> => {
  const rows = await house.service.database.query<{ text: string }>(
    `select encode(ciphertext, 'hex') as text from secret_versions order by secret_id, version`,
  );
  return rows.map(({ text }) => text);
};

it('wraps 10,000 secrets anew while they are read and written, stopped half way and taken up by another replica', async () => {
  await fill();
  const before = await ciphertexts();
  const [old] = (await keys()).keys;
  expect(old).toMatchObject({ version: 1, is_current: true, records: SECRETS });
  const works = house.service.app.get(KeyWorks);
  // Not by the route: that would have it done at once.
  await works.rotate(1);
  for (let n = 0; n < 20; n += 1) await works.step();
  expect((await keys()).works[0]).toMatchObject({ kind: 'rewrap', total: SECRETS, done: 4_000, failed: 0 });
  expect((await admin.post('/api/secrets/-/keys/rotate')).status).toBe(409);

  const other = await house.replica();
  try {
    let isUnderWay = true;
    const read = (async () => {
      for (let n = 0; isUnderWay; n = (n + 997) % SECRETS)
        expect(await released(n, (n + 1) % SECRETS)).toEqual([value(n), value((n + 1) % SECRETS)]);
    })();
    const write = (async () => {
      for (let n = 0; isUnderWay; n += 1)
        expect((await admin.post('/api/secrets', { name: `written.${n % 50}`, value: 'x' })).status).toBe(
          201,
        );
    })();
    // Both replicas take turns at it.
    await Promise.all([house.service, other].map(({ app }) => app.get(KeepHouse).process()));
    while (await works.step());
    isUnderWay = false;
    await Promise.all([read, write]);
  } finally {
    await other.close();
  }
  const { keys: left, works: done } = await keys();
  expect(done[0]).toMatchObject({ kind: 'rewrap', failed: 0, ended_at: expect.any(String) });
  expect(left).toHaveLength(1);
  expect(left[0]).toMatchObject({ version: 2, is_current: true });
  expect(left[0].id).not.toBe(old.id);
  const after = new Set(await ciphertexts());
  expect(
    before.every((text) => after.has(text)),
    'values stay as they were encrypted',
  ).toBe(true);
  expect(await released(0, 5_000, SECRETS - 1)).toEqual([value(0), value(5_000), value(SECRETS - 1)]);
  await vi.waitFor(() => {
    expect(house.peer.events(kekRotated).at(-1)?.data).toEqual({ key_id: left[0].id, version: 2 });
    expect(house.peer.events(kekRetired).at(-1)?.data).toEqual({ key_id: old.id, version: 1 });
  });
  // The service's own keys were wrapped anew with them: the old one is not needed for anything.
  expect(await house.service.database.query('select distinct kek_id from sealing_keys')).toEqual([
    { kek_id: left[0].id },
  ]);
});

it('encrypts every value anew when that is asked for, and says how far it is', async () => {
  const before = new Set(await ciphertexts());
  const begun = await admin.post('/api/secrets/-/keys/reencrypt');
  expect(begun).toMatchObject({ status: 202, body: { kind: 'reencrypt', done: 0, total: before.size } });
  await vi.waitFor(async () => expect((await keys()).works[0].ended_at).toBeDefined(), { timeout: 30_000 });
  expect((await keys()).works[0]).toMatchObject({ done: before.size, failed: 0 });
  expect((await ciphertexts()).filter((text) => before.has(text))).toEqual([]);
  expect(await released(1, 2)).toEqual([value(1), value(2)]);
});

it('wraps with the key that the work came with, though the round was under way before', async () => {
  const { app, database } = house.service;
  const works = app.get(KeyWorks);
  const kek = await app.get(KeyRing).make();
  let round: Promise<boolean> | undefined;
  await database.tx(async (tx) => {
    await tx.query('lock table key_works in access exclusive mode');
    round = works.step();
    // It has seen which key is the newest, if it looks before it knows of a work.
    await vi.waitFor(async () =>
      expect(
        await database.query(`select from pg_locks where relation = 'key_works'::regclass and not granted`),
      ).toHaveLength(1),
    );
    await insertKek(tx, kek);
    await startWork(tx, { kind: 'rewrap', now: new Date(), byUserId: 1 });
  });
  expect(await round).toBe(true);
  while (await works.step());
  const { keys: left, works: done } = await keys();
  expect(done[0]).toMatchObject({ kind: 'rewrap', done: done[0].total, failed: 0 });
  expect(left).toMatchObject([{ id: kek.id, records: done[0].total }]);
});

it('leaves a value that does not open as it is, with the key that it names, and says so', async () => {
  const { database } = house.service;
  await database.query(
    `update secret_versions set wrapped_key = set_byte(wrapped_key, 60, get_byte(wrapped_key, 60) # 1)
     where secret_id = (select id from secrets where name = $1)`,
    [name(7)],
  );
  const [{ id: old }] = (await keys()).keys;
  expect((await admin.post('/api/secrets/-/keys/rotate')).status).toBe(202);
  await vi.waitFor(async () => expect((await keys()).works[0].ended_at).toBeDefined(), { timeout: 30_000 });
  const { keys: left, works } = await keys();
  expect(works[0].failed).toBe(1);
  expect(left.find(({ id }: { id: string }) => id === old)).toMatchObject({ records: 1, is_current: false });
  await expect(released(7)).rejects.toThrow('does not open');
  expect(await released(8)).toEqual([value(8)]);
});

it('refuses rows that were swapped, cut, taken from another version, or whose key is not there', async () => {
  const { database } = house.service;
  await admin.post('/api/secrets', { name: 'attacked', value: 'one' });
  await admin.post('/api/secrets', { name: 'attacked', value: 'two' });
  const at = `secret_id = (select id from secrets where name = 'attacked')`;
  const [row] = await database.query<{ ciphertext: Buffer; wrapped_key: Buffer; nonce: Buffer }>(
    `select * from secret_versions where ${at} and version = 2`,
  );
  const ask = async () => {
    const key = new SealingKey();
    return house.peer.ask(resolveSecrets, {
      names: ['attacked'],
      for: { purpose: 'provider', provider: 'p' },
      public_key: key.publicKey,
    });
  };
  const sealed = 'kek_id, wrapped_key, nonce, ciphertext';
  const attacks: [string, string][] = [
    [
      'the row of another secret',
      `update secret_versions v set (${sealed}) = (select ${sealed} from secret_versions w
       where w.secret_id = (select id from secrets where name = '${name(1)}')) where v.${at} and v.version = 2`,
    ],
    [
      'the row of an older version',
      `update secret_versions v set (${sealed}) = (select ${sealed} from secret_versions w
       where w.${at} and w.version = 1) where v.${at} and v.version = 2`,
    ],
    [
      'the ciphertext of another',
      `update secret_versions v set ciphertext = (select ciphertext from secret_versions w
       where w.secret_id = (select id from secrets where name = '${name(1)}')) where v.${at} and v.version = 2`,
    ],
    [
      'a shortened tag',
      `update secret_versions set ciphertext = substring(ciphertext for length(ciphertext) - 12) where ${at} and version = 2`,
    ],
    [
      'a bit of the nonce',
      `update secret_versions set nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1) where ${at} and version = 2`,
    ],
    [
      'the name of another secret',
      `update secrets set name = 'attacked' from (select 1) x where name = '${name(2)}'`,
    ],
  ];
  for (const [what, attack] of attacks) {
    if (what.startsWith('the name'))
      await database.query(`update secrets set name = 'away' where name = 'attacked'`);
    await database.query(attack);
    await expect(ask(), what).rejects.toThrow('does not open');
    if (what.startsWith('the name')) break;
    await database.query(
      `update secret_versions set kek_id = (select id from kek order by version desc limit 1),
         ciphertext = $1, wrapped_key = $2, nonce = $3 where ${at} and version = 2`,
      [row!.ciphertext, row!.wrapped_key, row!.nonce],
    );
    expect((await ask()).missing, what).toEqual([]);
  }
});
