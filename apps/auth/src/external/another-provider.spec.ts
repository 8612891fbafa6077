import { describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../domain/identity-provider.js';
import { goesElsewhere, isAnother } from './another-provider.js';
import { ldapConfig } from './ldap-config.js';

const COMMON = {
  id: 'x',
  name: 'x',
  enabled: true,
  auto_create_users: true,
  default_level: 'viewer',
  level_mapping: {},
  source: 'api',
} as const;
const ldap = (more: object): IdentityProvider => ({
  ...COMMON,
  type: 'ldap',
  config: ldapConfig.parse({
    base_dn: 'dc=corp',
    bind_dn: 'CN=svc,DC=corp',
    user_search_filter: '(uid={username})',
    ...more,
  }),
});
const oidc = (issuer: string, client_id = 'a'): IdentityProvider => ({
  ...COMMON,
  type: 'oidc',
  config: { issuer, client_id, scopes: ['openid'], roles_claim: 'groups' },
});
const one = { server: 'ldaps://a.corp' };

describe('a change of a provider', () => {
  it.each<[string, IdentityProvider, IdentityProvider, { another: boolean; elsewhere: boolean }]>([
    ['of nothing', ldap(one), ldap(one), { another: false, elsewhere: false }],
    [
      'of how its server is written',
      ldap(one),
      ldap({ servers: ['ldaps://A.corp:636/'] }),
      { another: false, elsewhere: false },
    ],
    ['of the base', ldap(one), ldap({ ...one, base_dn: 'dc=other' }), { another: false, elsewhere: false }],
    [
      'to one server more',
      ldap(one),
      ldap({ servers: ['ldaps://b.corp', 'ldaps://a.corp'] }),
      { another: false, elsewhere: true },
    ],
    [
      'to one server less',
      ldap({ servers: ['ldaps://b.corp', 'ldaps://a.corp'] }),
      ldap(one),
      { another: false, elsewhere: false },
    ],
    [
      'to another port',
      ldap(one),
      ldap({ server: 'ldaps://a.corp:1636' }),
      { another: true, elsewhere: true },
    ],
    ['to another server', ldap(one), ldap({ server: 'ldaps://b.corp' }), { another: true, elsewhere: true }],
    [
      'to another account',
      ldap(one),
      ldap({ ...one, bind_dn: 'cn=root,dc=corp' }),
      { another: false, elsewhere: true },
    ],
    [
      'of how its account is written',
      ldap(one),
      ldap({ ...one, bind_dn: 'cn=SVC, dc=corp' }),
      { another: false, elsewhere: false },
    ],
    ['to another issuer', oidc('https://a'), oidc('https://b'), { another: true, elsewhere: true }],
    ['to another client', oidc('https://a'), oidc('https://a', 'b'), { another: false, elsewhere: false }],
    ['to another type', oidc('https://a'), ldap(one), { another: true, elsewhere: true }],
  ])('%s', (_, before, after, { another, elsewhere }) => {
    expect([isAnother(before, after), goesElsewhere(before, after)]).toEqual([another, elsewhere]);
  });
});
