import type { Level } from '@lineclear/contracts';
import type { LevelMapping } from './level-mapping.js';

/** How an OpenID Connect provider is reached, but for its secret. */
export interface OidcSettings {
  readonly issuer: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
  /** Where in the claims a person's groups are: `groups`, `realm_access.roles`. */
  readonly roles_claim: string;
}

/** How a directory is reached, but for the password of the account that searches it. */
export interface LdapSettings {
  /** One of the two is there; several are asked in this order. */
  readonly server?: string | undefined;
  readonly servers?: readonly string[] | undefined;
  readonly base_dn: string;
  readonly bind_dn: string;
  /** `{username}` stands for what was typed. */
  readonly user_search_filter: string;
  readonly use_ssl: boolean;
  readonly start_tls: boolean;
  /** PEM of who signed the server's certificate, where the system does not know them. */
  readonly ca_certificate?: string | undefined;
  readonly group_search_base?: string | undefined;
  /** Whether membership through a group of a group counts. */
  readonly nested_groups: boolean;
}

interface Common {
  /** Stays when everything else changes. */
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Whether people whom nobody made here before get an account with their first login. */
  readonly auto_create_users: boolean;
  /** For who is in none of the mapped groups. */
  readonly default_level: Level;
  readonly level_mapping: LevelMapping;
  /** What the configuration file says is changed there alone. */
  readonly source: 'api' | 'config_file';
}

export type OidcProvider = Common & { readonly type: 'oidc'; readonly config: OidcSettings };
export type LdapProvider = Common & { readonly type: 'ldap'; readonly config: LdapSettings };

/** Somebody outside who knows people and vouches for them. */
export type IdentityProvider = OidcProvider | LdapProvider;
export type ProviderType = IdentityProvider['type'];

/** Whom a provider vouches for, as it said at this login. */
export interface ExternalPerson {
  /** Unique at the provider, and never another person's. */
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly username: string | undefined;
  readonly displayName: string | undefined;
  readonly groups: readonly string[];
}

/** The addresses of a directory, in the order in which they are asked. */
export const serversOf = ({ server, servers }: LdapSettings): readonly string[] =>
  servers ?? (server === undefined ? [] : [server]);

/** Whether a change makes the provider another one: what was known of its people, and its secret, is not for that one. */
export function isAnother(before: IdentityProvider, after: IdentityProvider): boolean {
  if (before.type === 'oidc' && after.type === 'oidc') return before.config.issuer !== after.config.issuer;
  if (before.type === 'ldap' && after.type === 'ldap')
    return serversOf(before.config).join(' ') !== serversOf(after.config).join(' ');
  return true;
}
