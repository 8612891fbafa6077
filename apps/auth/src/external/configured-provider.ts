import type { ConfigFile, Secret } from '@lineclear/kit';
import type { OidcProvider } from '../domain/identity-provider.js';

/** The provider that the configuration file describes. Its secret stays in this process. */
export interface ConfiguredProvider {
  readonly provider: OidcProvider;
  readonly clientSecret: Secret;
}

type Kind = NonNullable<ConfigFile['oidc']>['provider'];

/** What each is asked for, and where it answers with a person's groups, unless the file says otherwise. */
const PRESETS: Readonly<Record<Kind, { scopes: readonly string[]; claim: string }>> = {
  okta: { scopes: ['openid', 'email', 'profile', 'groups'], claim: 'groups' },
  azure_ad: { scopes: ['openid', 'email', 'profile'], claim: 'groups' },
  google: { scopes: ['openid', 'email', 'profile'], claim: 'groups' },
  keycloak: { scopes: ['openid', 'email', 'profile', 'roles'], claim: 'realm_access.roles' },
};

export function configuredProvider(file: ConfigFile): ConfiguredProvider | undefined {
  if (!file.oidc) return undefined;
  const { enabled, provider, client_id, client_secret, issuer_url, scopes, role_mapping } = file.oidc;
  const preset = PRESETS[provider];
  return {
    clientSecret: client_secret,
    provider: {
      // Whoever was known of one issuer is nobody to the next.
      id: `config_file ${provider} ${issuer_url}`,
      name: provider,
      type: 'oidc',
      source: 'config_file',
      enabled,
      auto_create_users: true,
      // Where groups are mapped, being in none of them is to look on.
      default_level: role_mapping ? 'viewer' : 'researcher',
      level_mapping: role_mapping
        ? {
            admin: role_mapping.admin_groups,
            lead: role_mapping.lead_groups,
            researcher: role_mapping.user_groups,
            viewer: role_mapping.viewer_groups,
          }
        : {},
      config: {
        issuer: issuer_url,
        client_id,
        scopes: scopes ?? preset.scopes,
        roles_claim: role_mapping?.claim ?? preset.claim,
      },
    },
  };
}
