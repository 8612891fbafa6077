import { levelName } from '@lineclear/contracts';
import { BadInput, oidcFields, validate } from '@lineclear/kit';
import { z } from 'zod';
import type { OidcSettings, ProviderType } from '../domain/identity-provider.js';
import { ldapConfig, type LdapSettings } from '../external/ldap-config.js';
import { SECRET_FIELD, type Description } from '../external/manage-providers.js';
import type { Listed } from '../external/providers.js';
import type { LevelWish } from '../people/wished-level.js';
import { bothLevelsAgree, levelNames, levelOf } from './fields.js';

const DEFAULT_SCOPES = ['openid', 'email', 'profile'];

const oidcConfig = z.strictObject({
  issuer: oidcFields.issuer.optional(),
  /** As the configuration file calls it. */
  issuer_url: oidcFields.issuer.optional(),
  client_id: oidcFields.clientId,
  client_secret: oidcFields.clientSecret.optional(),
  scopes: oidcFields.scopes.default(DEFAULT_SCOPES),
  roles_claim: oidcFields.claimPath.default('groups'),
});

const levelMapping = z
  .record(z.string().min(1).max(1_000), z.array(z.string().min(1).max(1_000)).min(1).max(500))
  .refine((mapping) => Object.keys(mapping).length <= 500, 'has more than 500 entries');
const config = z.record(z.string().max(100), z.json());
const levels = { default_level: levelName.optional(), default_levels: levelNames.optional() };
type DefaultLevels = z.infer<z.ZodObject<typeof levels>>;
const asLevels = (body: DefaultLevels): Parameters<typeof levelOf>[0] => ({
  level: body.default_level,
  level_names: body.default_levels,
});
const defaultLevelOf = (body: DefaultLevels): LevelWish | undefined =>
  levelOf(asLevels(body), { one: 'default_level', list: 'default_levels' });
const levelsAgree = {
  check: (body: DefaultLevels): boolean => bothLevelsAgree.check(asLevels(body)),
  params: { path: ['default_levels'], message: 'says another level than `default_level`' },
};

export const providerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'is not 1 to 63 of the characters a-z A-Z 0-9 _ . -');
export const newProvider = z
  .strictObject({
    name: providerName,
    provider_type: z.enum(['oidc', 'ldap']),
    enabled: z.boolean().default(true),
    auto_create_users: z.boolean().default(true),
    ...levels,
    level_mapping: levelMapping.default({}),
    /** For `oidc`: issuer, client_id, client_secret, scopes, roles_claim. For `ldap`: external/ldap-config.ts. */
    config,
  })
  .refine(levelsAgree.check, levelsAgree.params);
export const providerChange = z
  .strictObject({
    enabled: z.boolean().optional(),
    auto_create_users: z.boolean().optional(),
    ...levels,
    level_mapping: levelMapping.optional(),
    /** What is not here stays; `null` takes an optional field away. */
    config: config.optional(),
  })
  .refine(levelsAgree.check, levelsAgree.params)
  .refine((body) => Object.keys(body).length > 0, 'holds nothing to change');

export const providerSchema = z.object({
  name: z.string(),
  provider_type: z.enum(['oidc', 'ldap']),
  enabled: z.boolean(),
  auto_create_users: z.boolean(),
  default_level: levelName,
  level_mapping: z.record(z.string(), z.array(z.string())),
  source: z.enum(['api', 'config_file']),
  config: z.looseObject({}),
});

/** A provider as the API shows it: that there is a secret, and never the secret. */
export const providerView = (provider: Listed): z.infer<typeof providerSchema> => ({
  name: provider.name,
  provider_type: provider.type,
  enabled: provider.enabled,
  auto_create_users: provider.auto_create_users,
  default_level: provider.default_level,
  level_mapping: Object.fromEntries(
    Object.entries(provider.level_mapping).map(([key, values]) => [key, [...values]]),
  ),
  source: provider.source,
  config: {
    ...provider.config,
    [`has_${SECRET_FIELD[provider.type]}`]: provider.has_secret,
  },
});

/** @throws BadInput naming the wrong field of `config` */
export function descriptionOf(body: z.infer<typeof newProvider>): Description {
  const { provider_type: type, name, enabled, auto_create_users, level_mapping } = body;
  const { name: default_level, field: levelField } = defaultLevelOf(body) ?? {
    name: 'researcher',
    field: 'default_level',
  };
  const shared = { name, enabled, auto_create_users, default_level, level_mapping };
  const read = readConfig(type, body.config);
  if (type === 'ldap' && read.secret === undefined) throw BadInput.at('config.bind_password', 'is needed');
  return { provider: { ...shared, ...read.typed }, secret: read.secret, levelField };
}

/** What a change makes of a provider. @throws BadInput naming the wrong field of `config` */
export function changedDescription(before: Listed, body: z.infer<typeof providerChange>): Description {
  const given = { ...body.config };
  // One name in the place of the other.
  const old: Record<string, unknown> = { ...before.config };
  if ('issuer_url' in given && !('issuer' in given)) delete old['issuer'];
  if ('servers' in given && !('server' in given)) delete old['server'];
  if ('server' in given && !('servers' in given)) delete old['servers'];
  const merged = Object.fromEntries(
    Object.entries({ ...old, ...given }).filter(([, value]) => value !== null),
  );
  const { typed, secret } = readConfig(before.type, merged);
  const { name: default_level, field: levelField } = defaultLevelOf(body) ?? {
    name: before.default_level,
    field: 'default_level',
  };
  const shared = {
    name: before.name,
    enabled: body.enabled ?? before.enabled,
    auto_create_users: body.auto_create_users ?? before.auto_create_users,
    default_level,
    level_mapping: body.level_mapping ?? before.level_mapping,
  };
  return { provider: { ...shared, ...typed }, secret, levelField };
}

type Typed = { type: 'oidc'; config: OidcSettings } | { type: 'ldap'; config: LdapSettings };

function readConfig(type: ProviderType, given: unknown): { typed: Typed; secret: string | undefined } {
  if (type === 'oidc') {
    const { issuer, issuer_url, client_secret, ...rest } = validate(oidcConfig, given, 'config');
    if (issuer !== undefined && issuer_url !== undefined && issuer !== issuer_url)
      throw BadInput.at('config.issuer_url', 'says another issuer than `issuer`');
    const one = issuer ?? issuer_url;
    if (one === undefined) throw BadInput.at('config.issuer', 'is needed');
    return { typed: { type, config: { issuer: one, ...rest } }, secret: client_secret };
  }
  const { bind_password, ...rest } = validate(ldapConfig, given, 'config');
  return { typed: { type, config: rest }, secret: bind_password };
}
