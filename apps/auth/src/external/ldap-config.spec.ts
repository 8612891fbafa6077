import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { groupSearchOf, ldapConfig, serversOf, usernameAttributeOf } from './ldap-config.js';

const file = (name: string): string =>
  readFileSync(new URL(`../../test/certificates/${name}`, import.meta.url), 'utf8');
const CORPORATE = {
  server: 'ldaps://ldap.corp.com:636',
  base_dn: 'DC=corp,DC=com',
  bind_dn: 'CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com',
  bind_password: 'service-account-password',
  user_search_filter: '(sAMAccountName={username})',
  use_ssl: true,
};
/** Which field is refused, and for what. */
const refusals = (config: Record<string, unknown>): string[] => {
  const parsed = ldapConfig.safeParse(config);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
};

it('takes the corporate directory of the handbook', () => {
  const config = ldapConfig.parse(CORPORATE);
  expect(serversOf(config)).toEqual([
    { url: 'ldaps://ldap.corp.com:636', host: 'ldap.corp.com', port: 636, security: 'tls' },
  ]);
  expect(usernameAttributeOf(config)).toBe('sAMAccountName');
  expect(groupSearchOf(config)).toBeUndefined();
  expect(config).toMatchObject({
    nested_groups: false,
    start_tls: false,
    pool_size: 4,
    email_attribute: 'mail',
  });
});

it('takes several servers, other ports and loopback in clear text', () => {
  const { server: _, use_ssl: __, ...rest } = CORPORATE;
  const servers = ['ldap://a.corp.com', 'ldap://[2001:db8::1]:1389'];
  const started = ldapConfig.parse({ ...rest, servers, start_tls: true, ca_certificate: file('ca.pem') });
  expect(serversOf(started)).toEqual([
    { url: servers[0], host: 'a.corp.com', port: 389, security: 'start_tls' },
    { url: servers[1], host: '2001:db8::1', port: 1389, security: 'start_tls' },
  ]);
  for (const server of ['ldap://localhost', 'ldap://127.0.0.1:3389', 'ldap://[::1]'])
    expect(serversOf(ldapConfig.parse({ ...rest, server }))).toMatchObject([{ security: 'none' }]);
});

it('knows where groups are searched', () => {
  const of = (more: Record<string, unknown>): unknown =>
    groupSearchOf(ldapConfig.parse({ ...CORPORATE, ...more }));
  const filter = '(|(member={dn})(uniqueMember={dn}))';
  expect(of({ nested_groups: true })).toEqual({ base: 'DC=corp,DC=com', filter });
  expect(of({ group_search_base: 'ou=groups,dc=corp' })).toEqual({ base: 'ou=groups,dc=corp', filter });
  expect(of({ group_search_filter: '(memberUid={username})' })).toEqual({
    base: 'DC=corp,DC=com',
    filter: '(memberUid={username})',
  });
});

describe('a contradiction is refused and its field named', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ server: 'ldap://ldap.corp.com', start_tls: true }, 'use_ssl wants ldaps://'],
    [{ use_ssl: false }, 'use_ssl forbids ldaps://'],
    [{ start_tls: true }, 'start_tls is for ldap://'],
    [{ server: 'ldap://ldap.corp.com', use_ssl: undefined }, 'server would carry passwords in clear text'],
    [{ server: 'ldap://10.0.0.1', use_ssl: undefined }, 'server would carry passwords in clear text'],
    [
      { server: 'ldap://127.0.0.1.corp.com', use_ssl: undefined },
      'server would carry passwords in clear text',
    ],
    [
      { server: undefined, servers: ['ldaps://a', 'ldap://b'], use_ssl: undefined },
      'servers.1 would carry passwords',
    ],
    [
      { server: 'ldap://localhost', use_ssl: undefined, ca_certificate: file('ca.pem') },
      'ca_certificate has nothing',
    ],
    [{ server: undefined }, 'server is missing'],
    [{ servers: ['ldaps://b'] }, 'servers names servers while'],
    [{ user_search_filter: '(userPrincipalName={username}@corp.com)' }, 'username_attribute is needed'],
    [
      { group_search_filter: '(memberUid={username})', nested_groups: true },
      'group_search_filter must hold {dn}',
    ],
  ])('%j', (more, reason) => {
    expect(refusals({ ...CORPORATE, ...more }).join()).toContain(reason);
  });
});

describe('a field that is no such thing is refused', () => {
  it.each<[string, unknown, string]>([
    ['server', 'https://ldap.corp.com', 'is not ldap://'],
    ['server', 'ldaps://user:secret@ldap.corp.com', 'is not ldap://'],
    ['server', 'ldaps://ldap.corp.com/dc=corp', 'is not ldap://'],
    ['server', 'ldaps://', 'is not ldap://'],
    ['server', 'ldaps://ldap.corp.com:0', 'is not ldap://'],
    ['server', 'ldaps://ldap%2ecorp', 'is not ldap://'],
    ['base_dn', 'corp.com', 'is not a distinguished name'],
    ['bind_password', '', ''],
    ['bind_dn', ' ', ''],
    ['user_search_filter', '(uid=ann)', 'must hold {username}'],
    ['user_search_filter', '(uid={username}', 'is not a search filter'],
    ['user_search_filter', '({username}=ann)', 'only as the value'],
    ['user_search_filter', '(uid={username}*)', 'only as the value'],
    ['user_search_filter', '(!(uid={username}))', 'only as the value'],
    ['user_search_filter', '(&(o=\\c3\\a9)(uid={username}))', 'write the letter itself'],
    ['group_search_filter', '(cn=admins)', 'must hold {dn} or {username}'],
    ['ca_certificate', 'a certificate', 'in PEM'],
    ['ca_certificate', `${file('ca.pem')}${file('server.key')}`, 'in PEM'],
    ['ca_certificate', file('server.key'), 'in PEM'],
    ['ca_certificate', file('ca.pem').replace(/[A-Za-z]{40}/, 'A'.repeat(40)), 'in PEM'],
    ['username_attribute', 'a)(b', 'is not the name'],
    ['verify_certificates', false, ''],
    ['pool_size', 0, ''],
    ['login_timeout_seconds', 0, ''],
  ])('%s: %j', (field, value, reason) => {
    const parsed = ldapConfig.safeParse({ ...CORPORATE, [field]: value });
    const [issue] = parsed.error?.issues ?? [];
    expect(issue?.code === 'unrecognized_keys' ? issue.keys : issue?.path).toEqual([field]);
    expect(issue?.message).toContain(reason);
  });
});
