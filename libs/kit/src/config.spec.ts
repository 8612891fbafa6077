import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { configFilePlaces, parseConfig, readConfigFile } from './config-file.js';
import { flag, readEnv } from './config.js';

const schema = z.object({
  URL: z.url(),
  SECONDS: z.coerce.number().int().min(5).default(30),
  ON: flag.default(false),
});

it('reads the environment once into a frozen object', () => {
  const config = readEnv(schema, { URL: 'http://a.test', SECONDS: '', ON: 'yes', OTHER: 'x' });
  expect(config).toEqual({ URL: 'http://a.test', SECONDS: 30, ON: true });
  expect(Object.isFrozen(config)).toBe(true);
});

it('lists every wrong name and never a value', () => {
  expect(() => readEnv(schema, { URL: 'hunter2', SECONDS: '3' })).toThrow(/URL: .*\n.*SECONDS: /);
  expect(() => readEnv(schema, { URL: 'hunter2' })).not.toThrow('hunter2');
});

it('reads values that are given as files', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'lineclear-env-')), 'url');
  writeFileSync(file, 'http://from-file.test\n');
  expect(readEnv(schema, { URL_FILE: file }).URL).toBe('http://from-file.test');
  expect(readEnv(schema, { URL_FILE: file, URL: 'http://named.test' }).URL).toBe('http://named.test');
  expect(() => readEnv(schema, { URL_FILE: '/nowhere' })).toThrow('URL_FILE');
});

it('takes YAML and JSON, and fills variables in', () => {
  const yaml = 'auth:\n  bypass_paths: ["${PREFIX}/metrics"]\n';
  expect(parseConfig(yaml, { PREFIX: '/api' }, 'x').auth.bypass_paths).toEqual(['/api/metrics']);
  expect(
    parseConfig('{"background":{"job_status_polling":{"interval_seconds":7}}}', {}, 'x').background
      .job_status_polling,
  ).toEqual({
    enabled: true,
    interval_seconds: 7,
  });
  expect(() => parseConfig(yaml, {}, 'x')).toThrow('${PREFIX}');
});

it.each([
  ['colour: red', /colour/],
  ['auth:\n  bypass: []', /auth: .*bypass/],
  ['auth:\n  bypass_paths: [3]', /auth\.bypass_paths\.0/],
  ['network:\n  trusted_proxies: ["10.0.0.0/33"]', /network\.trusted_proxies\.0.*bits/],
  ['network:\n  trusted_proxies: ["10.0.0/8"]', /network\.trusted_proxies\.0.*network/],
  ['network:\n  trusted_proxies: ["fd00::/129"]', /network\.trusted_proxies\.0.*bits/],
  ['network:\n  trusted_proxies: ["all"]', /network\.trusted_proxies\.0.*network/],
  ['providers:\n  x:\n    type: http', /providers\.x\.base_url/],
  ['providers:\n  "Bad Name":\n    type: local', /providers/],
  ['a: [', /neither YAML nor JSON/],
])('refuses %j with the path', (text, message) => {
  expect(() => parseConfig(text, {}, 'lineclear.yaml')).toThrow(message);
});

const OIDC = `
oidc:
  enabled: true
  provider: "okta"  # or "azure_ad", "google"

  client_id: "0oa1234567890abcdef"
  client_secret: "\${OIDC_CLIENT_SECRET}"
  issuer_url: "https://your-org.okta.com/oauth2/default"

  scopes: ["openid", "email", "profile", "groups"]

  role_mapping:
    claim: "groups"
    admin_groups: ["ML-Platform-Admins"]
    user_groups: ["ML-Researchers"]
`;

it('takes an identity provider, whose secret does not print', () => {
  const { oidc } = parseConfig(OIDC, { OIDC_CLIENT_SECRET: 'hunter2' }, 'x');
  expect(oidc).toMatchObject({
    enabled: true,
    provider: 'okta',
    issuer_url: 'https://your-org.okta.com/oauth2/default',
    role_mapping: {
      claim: 'groups',
      admin_groups: ['ML-Platform-Admins'],
      lead_groups: [],
      user_groups: ['ML-Researchers'],
      viewer_groups: [],
    },
  });
  expect(oidc?.client_secret.reveal()).toBe('hunter2');
  expect(JSON.stringify(oidc)).not.toContain('hunter2');
});

it('leaves out what is not for who reads, with its variables', () => {
  expect(() => parseConfig(OIDC, {}, 'x')).toThrow('${OIDC_CLIENT_SECRET}');
  expect(parseConfig(OIDC, {}, 'x', { without: ['oidc'] }).oidc).toBeUndefined();
});

it.each([
  ['provider: "okta"', 'provider: "other"', /oidc\.provider/],
  ['client_id: "0oa1234567890abcdef"', '', /oidc\.client_id/],
  ['https://your-org', 'http://your-org', /oidc\.issuer_url/],
  ['"openid", ', '', /oidc\.scopes/],
  ['user_groups', 'researcher_groups', /oidc\.role_mapping: .*researcher_groups/],
  ['enabled: true', 'enable: true', /oidc: .*enable/],
])('refuses an identity provider with %j as %j', (right, wrong, message) => {
  expect(OIDC).toContain(right);
  expect(() => parseConfig(OIDC.replace(right, wrong), { OIDC_CLIENT_SECRET: 'x' }, 'x')).toThrow(message);
});

it.each(['https://a.test/', 'https://a.test/path', 'a.test', 'ftp://a.test'])(
  'takes %j for no origin of browsers',
  (origin) => {
    for (const auth of [{ public_url: origin }, { allowed_origins: [origin] }])
      expect(() => parseConfig(JSON.stringify({ auth }), {}, 'x')).toThrow(/auth\./);
  },
);

it('looks in the documented places, and a named file must be there', () => {
  const home = mkdtempSync(join(tmpdir(), 'lineclear-config-'));
  expect(configFilePlaces({ HOME: home })[0]).toBe('./lineclear.yaml');
  expect(readConfigFile({ HOME: home }).providers).toEqual({});
  mkdirSync(join(home, '.config/lineclear'), { recursive: true });
  writeFileSync(join(home, '.config/lineclear/config.yaml'), 'auth: { bypass_paths: ["/health"] }');
  expect(readConfigFile({ HOME: home }).auth.bypass_paths).toEqual(['/health']);
  expect(() => readConfigFile({ HOME: home, LINECLEAR_CONFIG: join(home, 'none.yaml') })).toThrow(
    'not there',
  );
});
