import { principalChanged } from '@lineclear/contracts';
import type { Answer } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PROVIDERS } from './auth-house.js';
import { BASE, group } from './directory-house.js';
import { openLdapHouse, type LdapHouse } from './ldap-house.js';

let house: LdapHouse;

beforeAll(async () => {
  house = await openLdapHouse();
});
afterAll(() => house?.close());
beforeEach(async () => {
  expect((await house.describe('corporate-ad')).status).toBe(201);
});
afterEach(() => house.admin.delete(`${PROVIDERS}/corporate-ad`));

const patch = async (change: object): Promise<void> => {
  const answer = await house.admin.patch(`${PROVIDERS}/corporate-ad`, change);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
};
const userOf = (answer: Answer): { id: number; username: string; level: string } => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.user;
};
const refusalOf = ({ status, body, headers }: Answer): unknown[] => [
  status,
  body.detail,
  headers.getSetCookie(),
];

describe('the account', () => {
  it('is linked to one that was here, where the directory’s addresses are to be trusted', async () => {
    const here = await house.person('researcher');
    const mail = `${here.username}@LINECLEAR.test`;
    const who = await house.someone({ mail });
    expect(refusalOf(await house.enter(who))).toEqual([403, expect.stringContaining('verified'), []]);
    await patch({ config: { trust_email: true } });
    expect(userOf(await house.enter(who))).toMatchObject({ id: here.id, username: here.username });
    // Its own password stays good, and nobody else comes to it by the same address.
    expect((await house.login(here.username)).cookie).not.toBe('');
    const other = await house.someone({ mail });
    expect(refusalOf(await house.enter(other))).toEqual([403, expect.stringContaining('somebody else'), []]);
  });

  it('has another name where its own is taken by somebody else', async () => {
    const who = await house.someone();
    const { body } = await house.admin.post('/api/users', {
      username: who,
      email: 'local@lineclear.test',
      password: 'steady hands on the lever',
      level: 'lead',
    });
    const user = userOf(await house.enter(who));
    expect(user).toMatchObject({ username: `${who}.2`, level: 'researcher' });
    expect(user.id).not.toBe(body.id);
  });

  it('is known again after its address and its names have changed', async () => {
    const who = await house.someone();
    const { id } = userOf(await house.enter(who));
    await patch({ config: { email_attribute: 'cn', username_attribute: 'sn' } });
    expect(userOf(await house.enter(who))).toMatchObject({ id, username: who });
  });

  it('is not made without an address', async () => {
    expect(refusalOf(await house.enter('bob'))).toEqual([
      403,
      expect.stringContaining('no email address'),
      [],
    ]);
    const who = await house.someone({ mail: 'no address' });
    expect((await house.enter(who)).status).toBe(403);
  });

  it('is made for nobody where that is off', async () => {
    const [known, unknown] = [await house.someone(), await house.someone()];
    await house.enter(known);
    await patch({ auto_create_users: false });
    expect((await house.enter(unknown)).status).toBe(403);
    expect((await house.enter(known)).status).toBe(200);
  });

  it('stays closed when it is closed', async () => {
    const who = await house.someone();
    const { id } = userOf(await house.enter(who));
    await house.admin.delete(`/api/users/${id}`);
    expect(refusalOf(await house.enter(who))).toEqual([403, 'this account is closed', []]);
  });
});

describe('the level', () => {
  const NESTED = { config: { group_search_base: `ou=groups,${BASE}`, nested_groups: true } };

  it.each([
    ['by group', { [group('trainers')]: ['admin'] }, 'admin'],
    ['by level', { admin: [group('trainers')] }, 'admin'],
    ['however the group is written', { lead: [`CN=Trainers, OU=Groups,${BASE.toUpperCase()}`] }, 'lead'],
    ['by the group’s name', { lead: ['trainers'] }, 'lead'],
    ['the highest', { viewer: ['trainers'], [group('strangers')]: ['lead'] }, 'lead'],
    ['not by a group of that name elsewhere', { admin: [`cn=trainers,ou=elsewhere,${BASE}`] }, 'viewer'],
    ['not by a group that holds the group', { admin: [group('outer')] }, 'viewer'],
    ['without a match', { admin: [group('unique')] }, 'viewer'],
  ])('is what the groups say, %s', async (_, level_mapping, level) => {
    const who = await house.someone();
    for (const cn of ['trainers', 'strangers']) await house.join(who, cn);
    await patch({ level_mapping, default_level: 'viewer' });
    expect(userOf(await house.enter(who)).level).toBe(level);
  });

  it('comes from groups of groups where these count', async () => {
    const who = await house.someone();
    await house.join(who, 'trainers');
    await patch({ level_mapping: { lead: [group('outer')], admin: [group('strangers')] } });
    expect(userOf(await house.enter(who)).level).toBe('researcher');
    await patch(NESTED);
    expect(userOf(await house.enter(who)).level).toBe('lead');
  });

  it('falls with the group at the next login, and everyone is told', async () => {
    const who = await house.someone();
    await house.join(who, 'trainers');
    await patch({ level_mapping: { [group('trainers')]: ['lead'] }, default_level: 'viewer' });
    const { id, level } = userOf(await house.enter(who));
    expect(level).toBe('lead');
    await house.leave(who, 'trainers');
    expect(userOf(await house.enter(who, { at: house.replica.url })).level).toBe('viewer');
    const told = (): number =>
      house.peer.events(principalChanged).filter(({ data }) => data.user_id === id).length;
    await vi.waitFor(() => expect(told()).toBe(1));
  });
});
