import type { Level } from '@lineclear/contracts';
import type { LdapSettings } from '../external/ldap-config.js';
import type { LevelMapping } from './level-mapping.js';

/** How an OpenID Connect provider is reached, but for its secret. */
export interface OidcSettings {
  readonly issuer: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
  /** Where in the claims a person's groups are: `groups`, `realm_access.roles`. */
  readonly roles_claim: string;
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
  /** Unique at the provider, and never another person's: it outlives renaming and moving, where there is such a thing. */
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly username: string | undefined;
  readonly displayName: string | undefined;
  /** Of a directory: their DNs, as it writes them. */
  readonly groups: readonly string[];
}
