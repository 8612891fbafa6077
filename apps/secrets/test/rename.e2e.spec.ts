import { scanTexts, secretChanged } from '@lineclear/contracts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRun, endJob } from './claim-run.js';
import { accept, openSharing, set, type SharingHouse } from './shares-house.js';

let house: SharingHouse['house'];
let anna: SharingHouse['anna'];
let annaId: SharingHouse['annaId'];
let tom: SharingHouse['tom'];
let shared: SharingHouse['shared'];
let asked: SharingHouse['asked'];
let resolve: SharingHouse['resolve'];
let ofTom: SharingHouse['ofTom'];

beforeAll(async () => {
  ({ house, anna, annaId, tom, shared, asked, resolve, ofTom } = await openSharing());
});
afterAll(() => house?.close());

describe('a secret that is renamed', () => {
  it('has all its versions under the new name, and every alias', async () => {
    const id = await shared('OLD_NAME');
    await set(anna, 'OLD_NAME', 'a long second value');
    const texts = [{ path: 'x', text: 'it says a long second value', user_id: annaId }];
    expect((await house.peer.ask(scanTexts, { texts })).found[0]?.name).toBe('OLD_NAME');
    await accept(tom, id, { as: 'ALIAS' });
    expect(await anna.post('/api/secrets/OLD_NAME/rename', { scope: 'user', to: 'NEW_NAME' })).toMatchObject({
      status: 201,
      body: { name: 'NEW_NAME', scope: 'user', version: 2 },
    });
    expect(await resolve({ user_id: annaId }, 'NEW_NAME')).toEqual({ NEW_NAME: 'a long second value' });
    expect(await resolve({ user_id: annaId }, 'OLD_NAME')).toEqual(['OLD_NAME']);
    expect((await house.peer.ask(scanTexts, { texts })).found).toEqual([
      { path: 'x', name: 'NEW_NAME', scope: 'own' },
    ]);
    expect(await ofTom('ALIAS')).toEqual({ ALIAS: 'a long second value' });
    const rolled = await anna.post('/api/secrets/NEW_NAME/rollback', { scope: 'user', version: 1 });
    expect(rolled.body.version).toBe(3);
    expect(await ofTom('ALIAS')).toEqual({ ALIAS: "anna's OLD_NAME" });
    const { body: history } = await anna.get('/api/secrets/NEW_NAME/history?scope=user');
    expect(history.changes.map(({ kind }: { kind: string }) => kind)).toEqual([
      'set',
      'renamed',
      'set',
      'set',
    ]);
    expect((await house.admin.post('/api/secrets/-/verify', {})).body).toMatchObject({ failed: [] });
    const told = () => house.peer.events(secretChanged).map(({ data }) => data);
    await vi.waitFor(() =>
      expect(told()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: 'OLD_NAME', scope: `user:${annaId}`, version: 0 }),
          expect.objectContaining({ name: 'NEW_NAME', scope: `user:${annaId}`, version: 2 }),
        ]),
      ),
    );
  });

  it('takes no name that is there or may be had back, and waits for the jobs that know it', async () => {
    for (const name of ['FROM', 'TO', 'GONE']) await set(anna, name, name);
    await anna.delete('/api/secrets/GONE?scope=user');
    const rename = (to: string, from = 'FROM') =>
      anna.post(`/api/secrets/${from}/rename`, { scope: 'user', to });
    expect((await rename('TO')).status).toBe(409);
    expect((await rename('GONE')).status).toBe(409);
    expect((await rename('FROM')).status).toBe(400);
    expect((await rename('no name')).status).toBe(400);
    expect((await rename('channel.1')).status).toBe(400);
    expect((await rename('ANY', 'NOT_THERE')).status).toBe(404);
    const run = await claimRun(house.peer, ['FROM'], { user_id: annaId });
    await asked(run, 'FROM');
    expect(await rename('ANY')).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('1 job') },
    });
    await endJob(house.peer, run);
    await vi.waitFor(async () => expect((await rename('ANY')).status).toBe(201));
    await anna.post('/api/users/me/credentials', {
      provider: 'openai',
      credential_name: 'OPENAI_API_KEY',
      credential_value: 'sk-x',
    });
    expect((await rename('OTHER', 'OPENAI_API_KEY')).status).toBe(409);
  });
});
