import { auditRecorded, resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { job, keep, NAME, openProvidersHouse, usedFrom, type ProvidersHouse } from './providers-house.js';

let house: ProvidersHouse;
let credential: ProvidersHouse['credential'];
beforeAll(async () => {
  house = await openProvidersHouse();
  ({ credential } = house);
});
afterAll(async () => house?.close());

describe('on whose credential a job runs', () => {
  it('is the policy’s word: one’s own, the team’s, everybody’s; and it is told whose it was', async () => {
    const { http: ada, userId } = house.person('researcher');
    const staff = house.admin;
    await staff.post('/api/secrets', { name: NAME, value: 'of team 9', scope: 'team', team: 9 });
    await staff.post('/api/secrets', { name: NAME, value: 'of org 5', scope: 'org', org: 5 });
    const theirs = { user_id: userId, team_id: 9, org_id: 5 };
    const before = await Promise.all(
      ['cloud', 'billed', 'team'].map((provider) => credential(provider, job(theirs))),
    );
    expect(before.map(({ value }) => value)).toEqual(['of team 9', 'shared', 'of team 9']);
    expect(await credential('cloud', job({ user_id: userId, org_id: 5 }))).toMatchObject({
      value: 'of org 5',
      ...usedFrom('org:5'),
    });
    expect(await credential('cloud', job({ user_id: userId }))).toMatchObject({
      value: 'shared',
      ...usedFrom('global'),
    });

    await keep(ada, "ada's");
    for (const provider of ['cloud', 'strict', 'team'])
      expect(await credential(provider, job(theirs)), provider).toMatchObject({
        value: "ada's",
        ...usedFrom(`user:${userId}`),
      });
    expect(await credential('billed', job(theirs))).toMatchObject({ value: 'shared' });
  });

  it('is refused with what to do where the policy finds none, and nobody else’s is taken', async () => {
    const { userId } = house.person('researcher');
    const mine = job({ user_id: userId, team_id: 8, org_id: 5 });
    await expect(credential('strict', mine)).rejects.toThrow(
      /policy user_only.*CLOUD_TOKEN.*POST \/api\/users\/me\/credentials/,
    );
    await expect(credential('team', mine)).rejects.toThrow('policy user_then_team');
    // Without people there is nobody whose it could be.
    await expect(
      house.peer.ask(resolveSecrets, {
        names: [NAME],
        for: { purpose: 'provider', provider: 'strict' },
        public_key: new SealingKey().publicKey,
      }),
    ).rejects.toThrow('policy user_only');
    // What a provider proves its webhooks with is about no run.
    const secret = await house.peer.ask(resolveSecrets, {
      names: [NAME],
      for: { purpose: 'provider', provider: 'strict', webhooks: true },
      public_key: new SealingKey().publicKey,
    });
    expect(secret).toMatchObject({ missing: [], ...usedFrom('global') });
    const log = await house.service.database.query(
      'select outcome, scope from access_log where job_id = $1',
      [mine.job_id],
    );
    expect(log).toEqual([
      { outcome: 'missing', scope: null },
      { outcome: 'missing', scope: null },
    ]);
  });

  it('is never another’s because one’s own has ended, or does not open', async () => {
    const { http: eve, userId } = house.person('researcher');
    const soon = new Date(house.clock.now().getTime() + 60_000).toISOString();
    await eve.post('/api/secrets', { name: NAME, value: 'short', scope: 'user', expires_at: soon });
    house.clock.pass(61);
    await expect(credential('cloud', job({ user_id: userId }))).rejects.toThrow('ended on');
    await eve.post('/api/secrets', { name: NAME, value: 'broken', scope: 'user' });
    await house.service.database.query(
      `update secret_versions set ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1)
       where secret_id = (select id from secrets where name = $1 and scope = $2)`,
      [NAME, `user:${userId}`],
    );
    await expect(credential('cloud', job({ user_id: userId }))).rejects.toThrow('does not open');
  });

  it('stays the same for an attempt, whatever is set meanwhile, and is another’s for the next', async () => {
    const { http: bob, userId } = house.person('researcher');
    const first = job({ user_id: userId });
    expect(await credential('cloud', first)).toMatchObject({ value: 'shared' });
    const id = await keep(bob, "bob's");
    expect(await credential('cloud', first)).toMatchObject({ value: 'shared', ...usedFrom('global') });
    const next = { ...first, attempt: 2 };
    expect(await credential('cloud', next)).toMatchObject({ value: "bob's" });
    expect((await bob.delete(`/api/users/me/credentials/${id}`)).status).toBe(204);
    expect(await credential('cloud', next)).toEqual({ missing: [NAME] });
    expect(await credential('cloud', { ...first, attempt: 3 })).toMatchObject({ value: 'shared' });
  });

  it('is the same for both when two replicas are asked at once', async () => {
    const replica = await house.replica();
    try {
      const { userId } = house.person('researcher');
      for (let round = 0; round < 10; round += 1) {
        const one = job({ user_id: userId });
        const given = await Promise.all(Array.from({ length: 6 }, () => credential('cloud', one)));
        expect(new Set(given.map(({ value }) => value))).toEqual(new Set(['shared']));
        const rows = await house.service.database.query('select 1 from grants where job_id = $1', [
          one.job_id,
        ]);
        expect(rows).toHaveLength(1);
      }
    } finally {
      await replica.close();
    }
  });

  it('is noted for every use, the shared one too', async () => {
    const { http: cyd, userId } = house.person('researcher');
    const shared = job({ user_id: userId });
    await credential('cloud', shared);
    const id = await keep(cyd, "cyd's");
    const own = job({ user_id: userId });
    await credential('cloud', own);
    const log = await house.service.database.query(
      'select job_id, user_id, provider, scope, source, version, outcome from access_log where user_id = $1 and purpose = $2 order by id',
      [userId, 'provider'],
    );
    const used = { user_id: userId, provider: 'cloud', source: 'store', version: 1, outcome: 'released' };
    expect(log).toEqual([
      { ...used, job_id: shared.job_id, scope: 'global' },
      { ...used, job_id: own.job_id, scope: `user:${userId}` },
    ]);
    const { body } = await cyd.get('/api/users/me/credentials');
    expect(body.credentials).toMatchObject([{ id, last_used_at: expect.any(String) }]);
  });
});

it('lists policies and sets them, for administrators of the house', async () => {
  const listed = await house.admin.get('/api/secrets/-/policies');
  expect(listed.body.default_policy).toBe('user_then_shared');
  expect(listed.body.policies).toContainEqual({
    provider: 'strict',
    policy: 'user_only',
    updated_at: expect.any(String),
    updated_by: expect.any(Number),
  });
  await refusesBadInput(house.admin.put, '/api/secrets/-/policies/cloud', { policy: 'shared' }, [
    ['policy', {}],
    ['policy', { policy: 'anybody' }],
  ]);
  const orgAdmin = house.as('admin', {
    org: { id: 5, slug: 'five' },
    permissions: ['admin.config', 'job.submit'],
  });
  expect((await orgAdmin.put('/api/secrets/-/policies/cloud', { policy: 'shared' })).status).toBe(403);
  expect((await house.as('researcher').get('/api/secrets/-/policies')).status).toBe(403);
  await vi.waitFor(() =>
    expect(JSON.stringify(house.peer.events(auditRecorded).map(({ data }) => data))).toContain(
      'provider.credential_policy_set',
    ),
  );
});
