import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cidr, fields, SYSTEM_LEVEL_NAMES } from '@lineclear/contracts';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigError, explainIssues } from './config.js';
import { oidcFields } from './oidc-fields.js';
import { providerConfig } from './provider-configs/index.js';
import { Secret } from './secret.js';

/** An origin as browsers write it: no path, no slash at the end. */
const origin = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    'is not an origin, like https://a.test',
  );
/** Requests within one minute; 0 counts nobody's. */
const perMinute = z.int().min(0).max(10_000_000);
/** Who needs no login is never an admin. */
const internalLevel = z.enum(SYSTEM_LEVEL_NAMES).exclude(['admin']);
const groupNames = z.array(z.string().min(1).max(500)).max(500).default([]);

/** One identity provider by OpenID Connect; more can be made by the API. */
const oidc = z.strictObject({
  enabled: z.boolean().default(true),
  provider: z.enum(['okta', 'azure_ad', 'google', 'keycloak']),
  client_id: oidcFields.clientId,
  client_secret: oidcFields.clientSecret.transform((text) => new Secret(text)),
  issuer_url: oidcFields.issuer,
  scopes: oidcFields.scopes.optional(),
  role_mapping: z
    .strictObject({
      claim: oidcFields.claimPath.optional(),
      admin_groups: groupNames,
      lead_groups: groupNames,
      user_groups: groupNames,
      viewer_groups: groupNames,
    })
    .optional(),
});

/** The configuration file: what must be known at the start. Every key is read by some service; an unknown one stops the boot. */
export const configFile = z.strictObject({
  network: z
    .strictObject({
      /** Takes the word of `trusted_proxies` for where a request came from. */
      trust_proxy_headers: z.boolean().default(false),
      trusted_proxies: z.array(cidr).max(100).default([]),
      /** Lets in who comes from `internal_networks` without any credential, as the account `internal` of this level. */
      bypass_auth_for_internal: z.boolean().default(false),
      internal_networks: z.array(cidr).max(100).default([]),
      internal_level: internalLevel.default('viewer'),
    })
    .prefault({}),
  /** How much one caller may ask of one service; all its replicas count together. */
  limits: z
    .strictObject({
      requests_per_minute_per_principal: perMinute.default(6_000),
      /** For who is nobody yet: requests without a credential, and with a wrong one. */
      requests_per_minute_per_address: perMinute.default(3_000),
    })
    .prefault({}),
  auth: z
    .strictObject({
      /** Paths (and what is below them) that need no login. */
      bypass_paths: z.array(z.string().regex(/^\//).max(200)).max(50).default([]),
      /** What people's browsers call this house; the environment's PUBLIC_URL when it is not here. */
      public_url: origin.optional(),
      /** Other origins to which a browser may be sent back after a login. */
      allowed_origins: z.array(origin).max(50).default([]),
    })
    .default({ bypass_paths: [], allowed_origins: [] }),
  background: z
    .strictObject({
      job_status_polling: z
        .strictObject({
          enabled: z.boolean().default(true),
          interval_seconds: z.number().min(0.05).max(3_600).optional(),
        })
        .default({ enabled: true }),
    })
    .default({ job_status_polling: { enabled: true } }),
  oidc: oidc.optional(),
  providers: z.record(fields.provider, providerConfig).default({}),
});
export type ConfigFile = z.infer<typeof configFile>;

/** The places where the file is looked for, first found wins. */
export function configFilePlaces(env: NodeJS.ProcessEnv): string[] {
  const home = env['HOME'] ?? homedir();
  const named = env['LINECLEAR_CONFIG'];
  if (named) return [named];
  return [
    './lineclear.yaml',
    './lineclear.json',
    join(home, '.config/lineclear/config.yaml'),
    join(home, '.config/lineclear/config.json'),
    '/etc/lineclear/config.yaml',
    '/etc/lineclear/config.json',
  ];
}

/** Blocks of the file that are not for everyone: who leaves one out needs not have the variables (secrets) that it names. */
export interface Reading {
  readonly without?: readonly 'oidc'[];
}

/** Reads the configuration file, or gives the defaults where there is none. @throws ConfigError with the path of each wrong key. */
export function readConfigFile(env: NodeJS.ProcessEnv, reading: Reading = {}): ConfigFile {
  const path = configFilePlaces(env).find((place) => existsSync(place));
  if (path === undefined) {
    if (env['LINECLEAR_CONFIG'])
      throw new ConfigError(`LINECLEAR_CONFIG names ${env['LINECLEAR_CONFIG']}, which is not there`);
    return configFile.parse({});
  }
  return parseConfig(readFileSync(path, 'utf8'), env, path, reading);
}

/** Parses YAML or JSON text (JSON is YAML), fills `${VAR}` inside strings from `env`, and checks it. */
export function parseConfig(
  text: string,
  env: NodeJS.ProcessEnv,
  name: string,
  { without = [] }: Reading = {},
): ConfigFile {
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (cause) {
    throw new ConfigError(
      `${name} is neither YAML nor JSON: ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  }
  if (raw !== null && typeof raw === 'object' && !Array.isArray(raw))
    raw = Object.fromEntries(Object.entries(raw).filter(([key]) => !(without as string[]).includes(key)));
  const missing = new Set<string>();
  const filled = interpolate(raw, env, missing);
  if (missing.size > 0)
    throw new ConfigError(
      `${name} uses ${[...missing].map((v) => `\${${v}}`).join(', ')}, not set in the environment`,
    );
  const parsed = configFile.safeParse(filled);
  if (!parsed.success)
    throw new ConfigError(`${name} is not right:\n  ${explainIssues(parsed.error).join('\n  ')}`);
  return parsed.data;
}

function interpolate(value: unknown, env: NodeJS.ProcessEnv, missing: Set<string>): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, variable: string) => {
      const found = env[variable];
      if (found === undefined) missing.add(variable);
      return found ?? '';
    });
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env, missing));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, interpolate(item, env, missing)]),
    );
  }
  return value;
}
