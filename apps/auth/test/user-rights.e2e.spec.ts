import { SYSTEM_LEVELS, principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lockRights } from '../src/db/users.repo.js';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

let house: AuthHouse;
const USERS = '/api/users';

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

const told = (userId: number): Promise<void> =>
  vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(userId),
  );

describe('an admin is always left', () => {
  it('nobody closes, demotes or denies themselves', async () => {
    const { http, id } = await house.person('admin');
    const before = await house.rows();
    const answers = [
      await http.patch(`${USERS}/${id}`, { level: 'lead' }),
      await http.patch(`${USERS}/${id}`, { is_active: false }),
      await http.delete(`${USERS}/${id}`),
      await http.post(`${USERS}/${id}/permissions`, { permission_name: 'job.submit', granted: false }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    expect(await house.rows()).toEqual(before);
    expect((await http.patch(`${USERS}/${id}`, { display_name: 'Me' })).status).toBe(200);
  });

  it('of admins who remove each other at once, one stays', async () => {
    const other = await openAuthHouse();
    try {
      const admins = [await other.person('admin'), await other.person('admin'), await other.person('admin')];
      await other.admin.get(USERS);
      const [a, b, c] = admins as [(typeof admins)[0], (typeof admins)[0], (typeof admins)[0]];
      expect((await a.http.delete(`${USERS}/${other.adminId}`)).status).toBe(200);
      await Promise.all([
        a.http.delete(`${USERS}/${b.id}`),
        b.http.patch(`${USERS}/${c.id}`, { level: 'viewer' }),
        c.http.post(`${USERS}/${a.id}/permissions`, { permission_name: 'admin.users', granted: false }),
      ]);
      const left = await Promise.all(admins.map(async ({ http }) => (await http.get(USERS)).status));
      expect(left.filter((status) => status === 200)).toHaveLength(1);
    } finally {
      await other.close();
    }
  });
});

describe('a change that waited', () => {
  // Any change of rights holds this lock: here the test is another admin, who comes first.
  const first = async (change: string, id: number, send: () => Promise<{ status: number }>) => {
    let answer: ReturnType<typeof send> | undefined;
    await house.service.database.tx(async (tx) => {
      await lockRights(tx);
      answer = send();
      await house.untilOneWaits();
      await tx.query(change, [id]);
    });
    return (await answer)?.status;
  };
  const demoted = `update users set level = 'viewer' where id = $1`;
  const closed = 'update users set is_active = false where id = $1';

  it.each([
    [demoted, 403],
    [closed, 401],
  ])('is judged by what its author may do by then: %s', async (change, status) => {
    const [admin, viewer] = [await house.person('admin'), await house.person('viewer')];
    const path = `${USERS}/${viewer.id}`;
    const late = await first(change, admin.id, () => admin.http.patch(path, { display_name: 'Late' }));
    expect(late).toBe(status);
    expect((await house.admin.get(path)).body.display_name).toBe(viewer.username);
  });

  it.each([
    [demoted, { name: 'late', scoped_permissions: ['admin.users'] }, 400],
    [closed, { name: 'late' }, 401],
  ])('makes no key that its author may not make by then: %s', async (change, body, status) => {
    const admin = await house.person('admin');
    const late = await first(change, admin.id, () => admin.http.post('/api/auth/api-keys', body));
    expect(late).toBe(status);
    expect((await house.admin.get(`/api/auth/api-keys?user_id=${admin.id}`)).body.total).toBe(1);
  });
});

describe('permission overrides', () => {
  it('refuse bad input', async () => {
    const { id } = await house.person('viewer');
    const path = `${USERS}/${id}/permissions`;
    const before = await house.rows();
    await refusesBadInput(house.admin.post, path, { permission_name: 'admin.approve', granted: true }, [
      ['permission_name', { granted: true }],
      ['permission_name', { permission_name: 'job.*', granted: true }],
      ['permission_name', { permission_name: 'x'.repeat(5_000), granted: true }],
      ['granted', { permission_name: 'admin.approve' }],
      ['granted', { permission_name: 'admin.approve', granted: 'true' }],
    ]);
    expectProblem(await house.admin.delete(`${path}/nope`), 'nope', 'name');
    expect((await house.admin.delete(`${path}/admin.approve`)).status).toBe(404);
    expect(await house.rows()).toEqual(before);
  });

  it('grant, deny and go, with effect on every route at once', async () => {
    const person = await house.person('lead');
    const path = `${USERS}/${person.id}/permissions`;
    expect((await person.http.get(USERS)).status).toBe(403);
    const granted = await house.admin.post(path, { permission_name: 'admin.users', granted: true });
    expect(granted.body).toMatchObject({
      user_id: person.id,
      level: 'lead',
      overrides: [{ permission_name: 'admin.users', granted: true }],
    });
    expect(granted.body.permissions).toContain('admin.users');
    expect((await person.http.get(USERS)).status).toBe(200);
    await told(person.id);
    await house.admin.post(path, { permission_name: 'admin.users', granted: false });
    expect((await person.http.get(USERS)).status).toBe(403);
    await house.admin.post(path, { permission_name: 'job.submit', granted: false });
    expect((await person.http.get('/api/auth/me')).body.permissions).not.toContain('job.submit');
    const cleared = await house.admin.delete(`${path}/job.submit`);
    expect(cleared.body.overrides).toEqual([{ permission_name: 'admin.users', granted: false }]);
    expect((await house.admin.get(path)).body).toEqual(cleared.body);
  });

  it('are not for giving what one does not have', async () => {
    const lead = await house.person('lead');
    await house.admin.post(`${USERS}/${lead.id}/permissions`, {
      permission_name: 'admin.users',
      granted: true,
    });
    const viewer = await house.person('viewer');
    expect(
      (
        await lead.http.post(`${USERS}/${viewer.id}/permissions`, {
          permission_name: 'admin.approve',
          granted: true,
        })
      ).status,
    ).toBe(200);
    expect(
      (
        await lead.http.post(`${USERS}/${viewer.id}/permissions`, {
          permission_name: 'queue.manage',
          granted: true,
        })
      ).status,
    ).toBe(403);
    expect(
      (
        await lead.http.post(`${USERS}/${lead.id}/permissions`, {
          permission_name: 'queue.manage',
          granted: true,
        })
      ).status,
    ).toBe(403);
    expect((await lead.http.patch(`${USERS}/${lead.id}`, { level: 'admin' })).status).toBe(403);
    expect(
      (await lead.http.patch(`${USERS}/${house.adminId}`, { password: 'now it is my account' })).status,
    ).toBe(403);
  });

  it('are no ladder to a level above one’s own, nor to the account of somebody there', async () => {
    const [lead, viewer] = [await house.person('lead'), await house.person('viewer')];
    const override = (id: number, permission_name: string, granted: boolean) =>
      ({ path: `${USERS}/${id}/permissions`, body: { permission_name, granted } }) as const;
    const grant = override(lead.id, 'admin.users', true);
    await house.admin.post(grant.path, grant.body);
    // With all of it denied beforehand, the level brings no permission that the lead does not hold.
    const admins = SYSTEM_LEVELS.admin.permissions.filter(
      (name) => !SYSTEM_LEVELS.lead.permissions.includes(name),
    );
    for (const name of admins) {
      const { path, body } = override(viewer.id, name, false);
      expect((await lead.http.post(path, body)).status).toBe(200);
    }
    const raised = await lead.http.patch(`${USERS}/${viewer.id}`, { level: 'admin' });
    expect([raised.status, raised.body.detail]).toEqual([403, expect.stringContaining('level admin')]);
    expect((await house.admin.patch(`${USERS}/${viewer.id}`, { level: 'admin' })).status).toBe(200);
    expect(
      (await lead.http.patch(`${USERS}/${viewer.id}`, { password: 'now it is my account' })).status,
    ).toBe(403);
  });
});
