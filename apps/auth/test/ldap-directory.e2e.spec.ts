import type { Slapd } from '@lineclear/servers';
import { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  BASE,
  DirectoryHouse,
  group,
  PASSWORD,
  pem,
  populate,
  rootClient,
  SERVICE,
} from './directory-house.js';
import { ANN, SERVICE as AD_SERVICE, startFakeActiveDirectory } from './fake-active-directory.js';

const house = new DirectoryHouse();
const GROUPS = { group_search_base: `ou=groups,${BASE}` };
const TLS = { ca_certificate: pem('ca.pem') };
let slapd: Slapd;
let secure: Slapd;

beforeAll(async () => {
  [slapd, secure] = await Promise.all([house.slapd('plain'), house.slapd('secure', { ldaps: true })]);
  await Promise.all([populate(slapd), populate(secure)]);
});
afterAll(() => house.stop());

const states = async (
  directory: ReturnType<DirectoryHouse['directory']>,
  ...names: string[]
): Promise<string[]> =>
  Promise.all(names.map(async (name) => (await directory.authenticate(name, PASSWORD)).state));

describe('a login', () => {
  it('with the right password says who it is', async () => {
    const login = await house.directory(slapd.url).authenticate(' ANN ', PASSWORD);
    expect(login).toEqual({
      state: 'in',
      person: {
        subject: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        username: 'ann',
        email: 'ann@example.org',
        emailVerified: false,
        displayName: 'Ann Lee',
        groups: [group('trainers')],
      },
    });
  });

  it('takes the attributes that the configuration names', async () => {
    const directory = house.directory(slapd.url, {
      user_search_filter: '(|(uid={username})(mail={username}))',
      username_attribute: 'sn',
      email_attribute: 'uid',
      trust_email: true,
      display_name_attribute: 'mail',
    });
    expect(await directory.authenticate('ann@example.org', PASSWORD)).toMatchObject({
      person: { username: 'ann', email: 'ann', emailVerified: true, displayName: 'ann@example.org' },
    });
    expect(await directory.authenticate('bob', PASSWORD)).toMatchObject({
      person: { email: 'bob', displayName: 'bob', groups: [group('strangers')] },
    });
  });

  it.each([
    ['a wrong password', 'ann', 'wrong'],
    ['an unknown name', 'nobody', PASSWORD],
    ['somebody without a password', 'nopass', PASSWORD],
    ['no name', ' ', PASSWORD],
    ['a name without end', 'a'.repeat(257), PASSWORD],
    ['a star', '*', PASSWORD],
    ['a part of a name and a star', 'an*', PASSWORD],
    ['a filter in the name', ')(uid=*', PASSWORD],
    ['another filter in the name', 'ann)(|(uid=ann', PASSWORD],
    ['a NUL in the name', 'ann\0', PASSWORD],
    ['a NUL in the password', 'ann', `${PASSWORD}\0`],
    ['half a letter', 'ann\ud800', PASSWORD],
    ['two people of one name', 'twin', PASSWORD],
    ['three people of one name', 'triplet', PASSWORD],
  ])('with %s is wrong', async (_, name, password) => {
    expect(await house.directory(slapd.url).authenticate(name, password)).toEqual({ state: 'wrong' });
  });

  it('tells the log of two people of one name, and not the name', async () => {
    const before = house.logged.length;
    await house.directory(slapd.url).authenticate('twin', PASSWORD);
    expect(house.logged.slice(before).join()).toContain(`cn=twin,ou=elsewhere,${BASE}`);
    expect(house.logged.slice(before).join()).toContain('nobody is let in');
  });

  it('lets in who is called like a filter, or beyond ASCII', async () => {
    expect(await states(house.directory(slapd.url), 'a*b', 'Zoë', 'ZOË')).toEqual(['in', 'in', 'in']);
  });

  it('without a password is wrong, although this server would let it succeed', async () => {
    const client = new Client({ url: slapd.url });
    await client.bind(`uid=ann,ou=people,${BASE}`, '');
    await client.unbind();
    expect(await house.directory(slapd.url).authenticate('ann', '')).toEqual({ state: 'wrong' });
  });
});

describe('groups', () => {
  const groupsOf = async (more: Record<string, unknown>): Promise<string[]> => {
    const login = await house.directory(slapd.url, more).authenticate('ann', PASSWORD);
    return login.state === 'in' ? [...login.person.groups].sort() : [login.state];
  };

  it('are found by memberOf and by a search, each once', async () => {
    expect(await groupsOf(GROUPS)).toEqual([group('trainers'), group('unique')]);
  });

  it('are found by a filter of the operator', async () => {
    const filter = '(&(objectClass=groupOfNames)(|(member={dn})(cn={username})(cn=str*)))';
    expect(await groupsOf({ ...GROUPS, group_search_filter: filter })).toEqual([
      group('strangers'),
      group('trainers'),
    ]);
  });

  it('hold groups, and a circle of them has an end', async () => {
    expect(await groupsOf({ ...GROUPS, nested_groups: true })).toEqual(
      [group('ML\\2C Admins'), group('loop'), group('outer'), group('trainers'), group('unique')].sort(),
    );
  });

  it('are followed only so deep', async () => {
    const client = await rootClient(slapd);
    for (let depth = 1; depth <= 14; depth += 1) {
      const member = depth === 1 ? `uid=bob,ou=people,${BASE}` : group(`deep${depth - 1}`);
      await client.add(group(`deep${depth}`), { objectClass: 'groupOfNames', cn: `deep${depth}`, member });
    }
    await client.unbind();
    const before = house.logged.length;
    const login = await house
      .directory(slapd.url, { ...GROUPS, nested_groups: true })
      .authenticate('bob', PASSWORD);
    const groups = login.state === 'in' ? login.person.groups : [];
    expect(groups).toContain(group('deep10'));
    expect(groups).not.toContain(group('deep11'));
    expect(house.logged.slice(before).join()).toContain('deeper than is followed');
  });
});

describe('a directory that tells only so much', () => {
  it('still lets people in, with the groups that it tells', async () => {
    const stingy = await house.slapd('stingy', { settings: ['sizelimit 4'] });
    await populate(stingy);
    const login = await house
      .directory(stingy.url, { ...GROUPS, group_search_filter: '(|(member={dn})(cn=*))' })
      .authenticate('ann', PASSWORD);
    expect(login).toMatchObject({ state: 'in', person: { groups: [group('trainers')] } });
    expect(house.logged.at(-1)).toContain('only some of the groups');
    await stingy.stop();
  });
});

describe('an Active Directory', () => {
  it('is asked for nested groups by its own rule, and its ids are read', async () => {
    const ad = await startFakeActiveDirectory();
    const directory = house.directory(ad.url, {
      base_dn: 'DC=corp,DC=com',
      bind_dn: AD_SERVICE.dn,
      bind_password: AD_SERVICE.password,
      user_search_filter: '(sAMAccountName={username})',
      nested_groups: true,
    });
    try {
      expect(await directory.authenticate('alee', ANN.password)).toEqual({
        state: 'in',
        person: {
          subject: '00112233-4455-6677-8899-aabbccddeeff',
          username: 'ALee',
          email: undefined,
          emailVerified: false,
          displayName: 'Ann Lee',
          groups: ANN.inChain,
        },
      });
      expect(ad.filters.at(-1)).toBe(`(member:1.2.840.113556.1.4.1941:=${ANN.dn})`);
      const everywhere = await directory.authenticate('everywhere', ANN.password);
      expect(everywhere.state === 'in' && everywhere.person.groups.length).toBe(1_000);
      expect(house.logged.at(-1)).toContain('more groups than are looked at');
      expect(await directory.authenticate('alee', 'wrong')).toEqual({ state: 'wrong' });
      expect(await directory.authenticate('nobody', ANN.password)).toEqual({ state: 'wrong' });
    } finally {
      directory.close();
      await ad.close();
    }
  });
});

describe('encryption', () => {
  // The environment can turn the check of certificates off for a process: not here.
  beforeAll(() => void vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0'));
  afterAll(() => void vi.unstubAllEnvs());

  it('is checked against the authority of the configuration, for ldaps and StartTLS', async () => {
    expect(await states(house.directory(secure.url, { ...TLS, use_ssl: true }), 'ann')).toEqual(['in']);
    expect(await states(house.directory(slapd.url, { ...TLS, start_tls: true }), 'ann', 'bob')).toEqual([
      'in',
      'in',
    ]);
    const byName = secure.url.replace('127.0.0.1', 'localhost');
    expect(await states(house.directory(byName, TLS), 'ann')).toEqual(['in']);
  });

  it.each([
    ['another authority', { ca_certificate: pem('other-ca.pem') }],
    ['the public authorities', {}],
  ])('is refused when the certificate is not of %s', async (_, more) => {
    for (const directory of [
      house.directory(secure.url, more),
      house.directory(slapd.url, { ...more, start_tls: true }),
    ]) {
      expect(await directory.authenticate('ann', PASSWORD)).toMatchObject({
        state: 'unreachable',
        reason: expect.stringMatching(/certificate/i),
      });
    }
  });

  it('is refused when the certificate is for another host', async () => {
    const other = await house.slapd('elsewhere', { certificate: 'elsewhere', ldaps: true });
    expect(await house.directory(other.url, TLS).authenticate('ann', PASSWORD)).toMatchObject({
      state: 'unreachable',
      reason: expect.stringContaining('ALTNAME_INVALID'),
    });
    await other.stop();
  });

  it.each([
    ['says no', '300c02010178070a010204000400', 'code 2'],
    ['goes on in clear text', '300c02010178070a010004000400' + '300c02010261070a0100', 'more than an answer'],
    ['answers something else', '300c02010161070a010004000400', 'code unknown'],
    ['says nothing that is an answer', '0102030405', ''],
  ])('is not begun with a server that %s, and nothing secret is said', async (_, answer, reason) => {
    const heard: Buffer[] = [];
    const server = await house.tcp((socket) => {
      socket.on('data', (bytes) => heard.push(bytes));
      socket.once('data', () => socket.end(Buffer.from(answer, 'hex').subarray(0, answer.length / 2)));
    });
    const login = await house
      .directory(server.url, { ...TLS, start_tls: true })
      .authenticate('ann', PASSWORD);
    expect(login).toMatchObject({ state: 'unreachable', reason: expect.stringContaining(reason) });
    expect(Buffer.concat(heard).toString('latin1')).not.toMatch(/password|horse|svc/);
  });
});

describe('servers that fail', () => {
  const dead = 'ldap://127.0.0.1:1';

  it('are followed by the next one, and left alone for a while', async () => {
    const knocked = { times: 0 };
    const failing = await house.tcp((socket) => {
      knocked.times += 1;
      socket.destroy();
    });
    const directory = house.directory('', {
      servers: [failing.url, slapd.url],
      retry_server_after_seconds: 60,
      pool_size: 4,
    });
    expect(await states(directory, 'ann', 'bob', 'Zoë')).toEqual(['in', 'in', 'in']);
    const atFirst = knocked.times;
    expect(atFirst).toBeGreaterThan(0);
    // More at once than there are idle connections, so new ones are opened.
    expect(await states(directory, 'ann', 'bob', 'Zoë', 'a*b')).toEqual(['in', 'in', 'in', 'in']);
    expect(knocked.times).toBe(atFirst);
    house.clock.laterMs += 61_000;
    expect(await directory.fault()).toBeUndefined();
    expect(knocked.times).toBe(atFirst + 1);
  });

  it('all of them: that is told as such, with each reason', async () => {
    const directory = house.directory('', { servers: [dead, 'ldap://127.0.0.1:2'] });
    const login = await directory.authenticate('ann', PASSWORD);
    expect(login).toMatchObject({ state: 'unreachable' });
    expect(JSON.stringify(login)).toMatch(/127\.0\.0\.1:1:.*ECONNREFUSED.*127\.0\.0\.1:2:.*ECONNREFUSED/);
    expect(JSON.stringify(login)).not.toContain(PASSWORD);
    // All are set aside, and yet asked: there is nobody else.
    expect(await directory.authenticate('ann', PASSWORD)).toEqual(login);
  });

  it('say nothing: a login ends in time, and so do those who wait for its connection', async () => {
    const silent = await house.tcp((socket) => void socket.resume());
    const directory = house.directory(silent.url, {
      operation_timeout_seconds: 0.1,
      login_timeout_seconds: 0.15,
      pool_size: 1,
    });
    const logins = await Promise.all(
      ['ann', 'bob', 'Zoë'].map((name) => directory.authenticate(name, PASSWORD)),
    );
    expect(logins.map(({ state }) => state)).toEqual(['unreachable', 'unreachable', 'unreachable']);
    expect(logins[0]).toMatchObject({ reason: expect.stringContaining('no answer in time') });
    await vi.waitFor(() => expect(silent.open()).toBe(0));
    const secured = silent.url.replace('ldap:', 'ldaps:');
    const handshake = house.directory(secured, { connect_timeout_seconds: 0.1 });
    expect(await handshake.authenticate('ann', PASSWORD)).toMatchObject({ state: 'unreachable' });
    const next = house.directory('', { servers: [silent.url, slapd.url], operation_timeout_seconds: 1 });
    expect(await states(next, 'ann')).toEqual(['in']);
  });

  it('one that restarts is found again', async () => {
    const mine = await house.slapd('restarting');
    await populate(mine);
    const directory = house.directory(mine.url, { retry_server_after_seconds: 0 });
    expect(await states(directory, 'ann', 'bob')).toEqual(['in', 'in']);
    await mine.stop();
    await mine.start();
    expect(await states(directory, 'ann', 'bob')).toEqual(['in', 'in']);
    await mine.kill();
    expect(await states(directory, 'ann')).toEqual(['unreachable']);
    await mine.start();
    expect(await states(directory, 'ann')).toEqual(['in']);
    await mine.stop();
  });
});

describe('connections', () => {
  it('are no more than configured, and used again', async () => {
    const counted = await house.through(slapd.port);
    const directory = house.directory(counted.url, { pool_size: 2 });
    const names = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? 'ann' : 'bob'));
    expect(await states(directory, ...names)).toEqual(names.map(() => 'in'));
    // One that searches and one that proves the password, for each of two.
    expect(counted.peak()).toBeLessThanOrEqual(4);
    await vi.waitFor(() => expect(counted.open()).toBe(2));
    expect(await directory.authenticate('ann', 'wrong')).toEqual({ state: 'wrong' });
    await vi.waitFor(() => expect(counted.open()).toBe(2));
    directory.close();
    await vi.waitFor(() => expect(counted.open()).toBe(0));
    expect(await directory.authenticate('ann', PASSWORD)).toEqual({ state: 'unreachable', reason: 'closed' });
  });

  it('in use end when the directory is closed', async () => {
    const silent = await house.tcp((socket) => void socket.resume());
    const directory = house.directory(silent.url, { pool_size: 1 });
    const logins = ['ann', 'bob'].map((name) => directory.authenticate(name, PASSWORD));
    await vi.waitFor(() => expect(silent.open()).toBe(1));
    directory.close();
    expect((await Promise.all(logins)).map(({ state }) => state)).toEqual(['unreachable', 'unreachable']);
  });
});

describe('the test of a provider', () => {
  it('finds nothing wrong when it works', async () => {
    expect(await house.directory(slapd.url, GROUPS).fault()).toBeUndefined();
  });

  it.each([
    ['the account is refused', { bind_password: 'wrong' }, /bind_dn is refused.*Code: 0x31/],
    ['the base is not there', { base_dn: 'dc=nowhere,dc=org' }, /0x20/],
    ['the base of groups is not there', { group_search_base: `ou=nowhere,${BASE}` }, /0x20/],
  ])('says why not when %s', async (_, more, reason) => {
    const directory = house.directory(slapd.url, more);
    expect(await directory.fault()).toMatch(reason);
    const login = await directory.authenticate('ann', PASSWORD);
    expect(login).toMatchObject({ state: 'unreachable', reason: expect.stringMatching(reason) });
    expect(JSON.stringify([login, house.logged])).not.toContain(SERVICE.password);
  });

  it('spends a wrong password of the account on one server only', async () => {
    const second = await house.through(slapd.port);
    const directory = house.directory('', { servers: [slapd.url, second.url], bind_password: 'wrong' });
    expect(await directory.fault()).toMatch('bind_dn is refused');
    expect(second.peak()).toBe(0);
  });
});
