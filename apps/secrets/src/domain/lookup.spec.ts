import fc from 'fast-check';
import { expect, it } from 'vitest';
import { environmentVariable, isOwnSetting, ownSettings } from './environment-variable.js';
import { faultOfOrder, isChannelName, mayLook, placesFor, type Asker } from './lookup.js';

it.each<[string, string | undefined, string]>([
  ['HF_TOKEN', undefined, 'HF_TOKEN'],
  ['replicate-api-token', undefined, 'REPLICATE_API_TOKEN'],
  ['my.api-key', undefined, 'MY_API_KEY'],
  ['replicate-api-token', 'ACME', 'ACME_REPLICATE_API_TOKEN'],
])('reads %s with prefix %s from %s', (name, prefix, variable) =>
  expect(environmentVariable(name, prefix)).toBe(variable),
);

it.each([
  'DATABASE_URL',
  'DATABASE_POOL',
  'NATS_URL',
  'REDIS_URL',
  'PGPASSWORD',
  'POSTGRES_PASSWORD',
  'SMTP_PASSWORD',
  'SMTP_URL',
  'IMAP_PASSWORD',
  'LINECLEAR_CREDENTIAL_KEY',
  'LINECLEAR_KEY_FILE',
  'LINECLEAR_HOME',
  'LINECLEAR_SECRETS_ENV_PREFIX',
  'LINECLEAR_X',
  'LINECLEAR',
  'PATH',
  'HOME',
  'HOST',
  'PORT',
  'USER',
  'SHELL',
  'PWD',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'SSH_AUTH_SOCK',
  'KUBERNETES_SERVICE_HOST',
  'HTTPS_PROXY',
  'OIDC_CLIENT_SECRET',
  'VAULT_ADDR',
  'VAULT_TOKEN',
  'VAULT_TOKEN_FILE',
  'LINECLEAR_VAULT_SECRET_ID',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'AUTH_URL',
  'PUBLIC_URL',
  'DATABASE_URL_FILE',
  'NATS_URL_FILE',
])('never takes %s for a secret', (variable) => {
  expect(isOwnSetting(variable)).toBe(true);
  // Whatever way of writing it leads to that variable.
  expect(isOwnSetting(environmentVariable(variable.toLowerCase().replaceAll('_', '-')))).toBe(true);
});

it.each([
  'HF_TOKEN',
  'REPLICATE_API_TOKEN',
  'CLOUD_WEBHOOK_SECRET',
  'WANDB_API_KEY',
  'AWS_SECRET_ACCESS_KEY',
  'OPENAI_API_KEY',
  'NPM_TOKEN',
  'MAILGUN_API_KEY',
  'PATHOS_KEY',
  'LINECLEAR_SECRET_HF_TOKEN',
])('takes %s for one', (variable) => expect(isOwnSetting(variable)).toBe(false));

it('looks for a run at its submitter first, then where everybody looks', () => {
  const shared = ['environment', 'file', 'aws', 'vault', 'store'].map((source) => ({
    source,
    scope: 'global',
  }));
  expect(placesFor({ purpose: 'run', userId: 7 })).toEqual([{ source: 'store', scope: 'user:7' }, ...shared]);
  for (const purpose of ['provider', 'channel'] as const) expect(placesFor({ purpose })).toEqual(shared);
});

it('asks in the order that is set, for what everybody shares', () => {
  expect(placesFor({ purpose: 'run', userId: 7 }, ['store', 'aws']).map(({ source }) => source)).toEqual([
    'store',
    'store',
    'aws',
  ]);
});

it.each<[string[], string | undefined]>([
  [['store'], undefined],
  [['vault', 'store', 'environment'], undefined],
  [['environment', 'store', 'environment'], 'environment twice'],
  [['environment', 'file'], 'leaves out the store'],
  [['environment', 'keychain', 'store'], '"keychain"'],
  [[''], '""'],
])('finds %j wrong as an order: %s', (order, fault) => {
  if (fault === undefined) expect(faultOfOrder(order)).toBeUndefined();
  else expect(faultOfOrder(order)).toContain(fault);
});

it.each<[string, boolean, boolean]>([
  ['AWS_ACCESS_KEY_ID', false, false],
  ['AWS_ACCESS_KEY_ID', true, true],
  ['AWS_WEB_IDENTITY_TOKEN_FILE', true, true],
  ['HF_TOKEN', true, false],
  ['DATABASE_URL', false, true],
])('takes %s for a setting, where AWS is used here: %s, %s', (variable, uses, is) =>
  expect(ownSettings({ usesAws: uses })(variable)).toBe(is),
);

it("gives a channel's secret to channels alone, and only from the store", () => {
  const askers: Asker[] = [{ purpose: 'run', userId: 1 }, { purpose: 'provider' }, { purpose: 'channel' }];
  fc.assert(
    fc.property(
      fc.constantFrom(...askers),
      fc.constantFrom('channel.', 'Channel.', 'CHANNEL.'),
      fc.string(),
      (asker, prefix, rest) => {
        expect(isChannelName(prefix + rest)).toBe(true);
        const places = placesFor(asker).filter((place) => mayLook(asker, place, prefix + rest));
        expect(places).toEqual(asker.purpose === 'channel' ? [{ source: 'store', scope: 'global' }] : []);
      },
    ),
  );
});
