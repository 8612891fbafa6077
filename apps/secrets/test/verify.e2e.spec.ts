import { auditRecorded } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;
beforeAll(async () => {
  house = await openHouse();
  for (const [name, value] of [
    ['A', 'value-of-a-1'],
    ['A', 'value-of-a-2'],
    ['B', 'value-of-b-1'],
  ])
    await house.admin.post('/api/secrets', { name, value });
});
afterAll(() => house?.close());

const verify = (body: object = {}) => house.admin.post('/api/secrets/-/verify', body);
const sql = (text: string) => house.service.database.query(text);

it('opens every version, tells which key did, and no value', async () => {
  const answer = await verify();
  const [kek] = await house.service.database.query<{ id: string }>('select id from kek');
  expect(answer).toMatchObject({ status: 200, body: { checked: 3, failed: [], keys: { [kek!.id]: 3 } } });
  expect(answer.body.next_cursor).toBeUndefined();
  await vi.waitFor(() =>
    expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ action: 'secrets.verified', details: { checked: 3, failed: 0 } }),
    ),
  );
});

it('takes only so many as are asked for', async () => {
  expect((await verify({ sample: 2 })).body).toMatchObject({ checked: 2, failed: [] });
  expect((await verify({ sample: 100 })).body).toMatchObject({ checked: 3 });
});

it('names the versions that do not open, those of removed secrets too', async () => {
  await sql(`update secret_versions set nonce = nonce || 'x'::bytea
              where version = 1 and secret_id = (select id from secrets where name = 'A')`);
  await house.admin.delete('/api/secrets/A');
  const { body } = await verify();
  expect(body).toMatchObject({ checked: 3, failed: [{ name: 'A', scope: 'global', version: 1 }] });
});

it('goes on where it stopped', async () => {
  await sql(`insert into secret_versions (secret_id, version, kek_id, wrapped_key, nonce, ciphertext, created_at)
             select secret_id, 10 + n, kek_id, wrapped_key, nonce, ciphertext, created_at
               from secret_versions, generate_series(1, 1100) n
              where secret_id = (select id from secrets where name = 'B') and version = 1`);
  const first = await verify();
  expect(first.body.checked).toBe(1_000);
  const second = await verify({ cursor: first.body.next_cursor });
  expect(second.body.checked).toBe(103);
  expect(second.body.next_cursor).toBeUndefined();
  // A version that is a copy of another is none, as it says itself which one it is.
  expect(first.body.failed.length + second.body.failed.length).toBe(1_101);
});

it.each([
  ['a sample and a cursor', { sample: 1, cursor: '00000000-0000-0000-0000-000000000000:1' }, 'cursor'],
  ['a cursor that is none', { cursor: 'x' }, 'cursor'],
  ['a sample of more than one call takes', { sample: 1_001 }, 'sample'],
])('refuses %s', async (_, body, field) => {
  expect(await verify(body)).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
});

it('is for administrators', async () => {
  expect((await house.ada.post('/api/secrets/-/verify', {})).status).toBe(403);
});
