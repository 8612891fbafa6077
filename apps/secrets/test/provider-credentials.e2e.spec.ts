import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWhoami, type FakeWhoami } from './fake-whoami.js';
import { job, keep, NAME, openProvidersHouse, usedFrom, type ProvidersHouse } from './providers-house.js';

let house: ProvidersHouse;
let credential: ProvidersHouse['credential'];
let whoami: FakeWhoami;
beforeAll(async () => {
  whoami = await startWhoami();
  house = await openProvidersHouse({ replicate: `${whoami.url}/v1/account` });
  ({ credential } = house);
});
afterAll(async () => {
  await house?.close();
  await whoami?.close();
});

describe('rotating', () => {
  it('leaves the old value to runs that were submitted with it, until the next rotation or by force', async () => {
    const { http: dan, userId } = house.person('researcher');
    const id = await keep(dan, 'v1');
    const before = job({ user_id: userId });
    expect(await credential('cloud', before)).toMatchObject({ value: 'v1' });
    const rotated = await dan.post(`/api/users/me/credentials/${id}/rotate`, { value: 'v2' });
    expect(rotated.body).toEqual({ id, version: 2, previous_version: 1, checked: 'not_checked' });
    expect(await credential('cloud', before)).toMatchObject({
      value: 'v1',
      ...usedFrom(`user:${userId}`, 1),
    });
    const after = job({ user_id: userId });
    expect(await credential('cloud', after)).toMatchObject({ value: 'v2' });
    // What the provider does not take any more is not given again.
    expect(await credential('cloud', { ...before, refused_version: 1 })).toMatchObject({ value: 'v2' });
    expect(await credential('cloud', before)).toMatchObject({ value: 'v2' });

    const forced = await dan.post(`/api/users/me/credentials/${id}/rotate`, { value: 'v3', force: true });
    expect(forced.body).toEqual({ id, version: 3, checked: 'not_checked' });
    expect(await credential('cloud', after)).toMatchObject({ value: 'v3' });
  });

  it('takes a new value only once its provider does', async () => {
    const { http: fay } = house.person('researcher');
    const id = await keep(fay, 'good-1', 'replicate');
    const path = `/api/users/me/credentials/${id}`;
    whoami.takes('good-1', 'good-2');
    expect((await fay.post(`${path}/validate`)).body).toEqual({
      id,
      provider: 'replicate',
      checked: 'valid',
    });
    expect((await fay.post(`${path}/rotate`, { value: 'bad' })).status).toBe(422);
    expect((await fay.get('/api/users/me/credentials')).body.credentials).toMatchObject([
      { version: 1, checked: 'valid' },
    ]);
    expect((await fay.post(`${path}/rotate`, { value: 'good-2' })).body).toMatchObject({
      version: 2,
      checked: 'valid',
    });
    expect(whoami.seen).toEqual(['Bearer good-1', 'Bearer bad', 'Bearer good-2']);

    whoami.fails();
    expect((await fay.post(`${path}/rotate`, { value: 'good-3' })).status).toBe(503);
    expect((await fay.post(`${path}/validate`)).body).toMatchObject({ checked: 'unknown' });
    expect((await fay.post(`${path}/rotate`, { value: 'good-3', unchecked: true })).body).toMatchObject({
      version: 3,
      checked: 'unknown',
    });
    whoami.takes('other');
    expect((await fay.post(`${path}/validate`)).body).toMatchObject({ checked: 'refused' });
    expect((await fay.get('/api/users/me/credentials')).body.credentials).toMatchObject([
      { version: 3, checked: 'refused' },
    ]);
    // A redirect is not followed with the credential.
    whoami.redirects();
    expect((await fay.post(`${path}/validate`)).body).toMatchObject({ checked: 'unknown' });
    const [{ purpose }] = (await house.service.database.query<{ purpose: string }>(
      "select purpose from access_log where provider = 'replicate' order by id desc limit 1",
    )) as [{ purpose: string }];
    expect(purpose).toBe('check');
  });
});

describe('the routes', () => {
  it('keep, list, change and remove a credential, and never show its value', async () => {
    const { http: gil, userId } = house.person('researcher');
    const canary = 'canary-of-gil-4711';
    const made = await gil.post('/api/users/me/credentials', {
      provider: 'cloud',
      credential_value: canary,
      description: 'mine',
    });
    const { id } = made.body as { id: number };
    expect(made.body).toEqual({
      id,
      provider: 'cloud',
      credential_name: NAME,
      description: 'mine',
      version: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      is_active: true,
      is_stale: false,
      checked: 'not_checked',
    });
    expect(
      (await gil.post('/api/users/me/credentials', { provider: 'cloud', credential_value: 'x' })).status,
    ).toBe(409);
    expect(
      (await gil.patch(`/api/users/${userId}/credentials/${id}`, { description: 'yours' })).body,
    ).toMatchObject({
      description: 'yours',
      version: 1,
    });
    expect(
      (await gil.patch(`/api/users/me/credentials/${id}`, { credential_value: canary })).body,
    ).toMatchObject({ version: 2 });
    const listed = await gil.get('/api/users/me/credentials');
    expect(listed.body.credentials).toMatchObject([{ id, version: 2, description: 'yours' }]);
    expect(JSON.stringify([made.body, listed.body])).not.toContain(canary);
    // It is a secret of one's own.
    expect((await gil.get(`/api/secrets/${NAME}?scope=user`)).body).toMatchObject({ version: 2 });

    house.clock.pass(91 * 86_400);
    const stale = await gil.get(`/api/users/me/credentials/stale?days=90`);
    expect(stale.body).toMatchObject({
      user_id: userId,
      threshold_days: 90,
      stale_count: 1,
      credentials: [{ id, is_stale: true, days_old: 91 }],
    });
    expect((await gil.get(`/api/users/me/credentials/stale?days=92`)).body).toMatchObject({ stale_count: 0 });
    expect((await gil.delete(`/api/users/me/credentials/${id}`)).status).toBe(204);
    expect((await gil.delete(`/api/users/me/credentials/${id}`)).status).toBe(404);
    expect((await gil.get('/api/users/me/credentials')).body).toEqual({ credentials: [] });
    expect((await gil.get(`/api/secrets/${NAME}?scope=user`)).status).toBe(404);
  });

  it('one secret is for two providers, and goes with the last', async () => {
    const { http: hal } = house.person('researcher');
    const [one, two] = [await keep(hal, 'x', 'cloud'), await keep(hal, 'y', 'replicate')];
    await hal.delete(`/api/users/me/credentials/${one}`);
    expect((await hal.get(`/api/secrets/${NAME}?scope=user`)).status).toBe(200);
    await hal.delete(`/api/users/me/credentials/${two}`);
    expect((await hal.get(`/api/secrets/${NAME}?scope=user`)).status).toBe(404);
  });

  it('are one’s own, or those of who looks after everybody', async () => {
    const { http: ida, userId } = house.person('researcher');
    const id = await keep(ida, 'x');
    const path = `/api/users/${userId}/credentials`;
    const orgAdmin = house.as('admin', {
      org: { id: 5, slug: 'five' },
      permissions: ['admin.users', 'job.submit'],
    });
    for (const other of [house.as('researcher'), house.as('lead'), orgAdmin]) {
      expect((await other.get(path)).status).toBe(404);
      expect((await other.get(`${path}/stale`)).status).toBe(404);
      expect((await other.post(path, { provider: 'cloud', credential_value: 'x' })).status).toBe(404);
      expect((await other.patch(`${path}/${id}`, { description: 'x' })).status).toBe(404);
      expect((await other.post(`${path}/${id}/rotate`, { value: 'x' })).status).toBe(404);
      expect((await other.post(`${path}/${id}/validate`)).status).toBe(404);
      expect((await other.delete(`${path}/${id}`)).status).toBe(404);
      // Nor under one's own name.
      expect((await other.delete(`/api/users/me/credentials/${id}`)).status).toBe(404);
    }
    expect((await house.as('viewer').get('/api/users/me/credentials')).status).toBe(403);
    expect((await house.admin.get(path)).body.credentials).toMatchObject([{ id }]);
    expect((await house.admin.post(`${path}/${id}/rotate`, { value: 'y' })).body).toMatchObject({
      version: 2,
    });
  });

  it('refuse what is wrong, and what has no name', async () => {
    const ada = house.as('researcher');
    const good = { provider: 'cloud', credential_value: 'x' };
    await refusesBadInput(ada.post, '/api/users/me/credentials', good, [
      ['provider', { credential_value: 'x' }],
      ['provider', { ...good, provider: 'No Such' }],
      ['credential_value', { provider: 'cloud' }],
      ['credential_value', { ...good, credential_value: '' }],
      ['credential_name', { ...good, credential_name: 'a b' }],
      ['credential_name', { ...good, credential_name: 'channel.1.password' }],
      ['credential_name', { ...good, provider: 'open' }],
      ['description', { ...good, description: 'x'.repeat(501) }],
    ]);
    const named = await ada.post('/api/users/me/credentials', {
      ...good,
      provider: 'open',
      credential_name: 'OPEN_KEY',
    });
    expect(named.body).toMatchObject({ credential_name: 'OPEN_KEY' });
    expectProblem(
      await ada.patch(`/api/users/me/credentials/${named.body.id}`, {}),
      'nothing',
      'description',
    );
    expectProblem(await ada.get('/api/users/nobody/credentials'), 'user', 'id');
    expectProblem(await ada.get('/api/users/me/credentials/stale?days=0'), 'days', 'days');
  });

  it('keep a hundred for a person, and no more', async () => {
    const { http, userId } = house.person('researcher');
    const id = await keep(http, 'x');
    await house.service.database.query(
      `with s as (insert into secrets (id, scope, name, current_version, created_at, updated_at)
         select gen_random_uuid(), $1, 'N' || n, 1, now(), now() from generate_series(1, 99) n returning id)
       insert into provider_credentials (user_id, provider, secret_id, created_at) select $2, 'open', id, now() from s`,
      [`user:${userId}`, userId],
    );
    const more = await http.post('/api/users/me/credentials', {
      provider: 'open',
      credential_name: 'MORE',
      credential_value: 'x',
    });
    expect(more.status).toBe(422);
    expect((await http.get('/api/users/me/credentials')).body.credentials).toHaveLength(100);
    await http.delete(`/api/users/me/credentials/${id}`);
    expect(
      (
        await http.post('/api/users/me/credentials', {
          provider: 'open',
          credential_name: 'MORE',
          credential_value: 'x',
        })
      ).status,
    ).toBe(201);
  });
});
