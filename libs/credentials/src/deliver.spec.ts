import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliver } from './deliver.js';
import { credentialsOf } from './families.fixture.js';
import type { CredentialFormat, Values } from './format.js';
import { FORMATS, formatNamed } from './formats.js';

const give = (name: string, values: Values, profile?: string) => {
  const format = formatNamed(name);
  if (!format) throw new Error(`there is no format ${name}`);
  const { env, files } = deliver(format, values, {
    home: '/root',
    ...(profile !== undefined && { profile }),
  });
  return { env: env.reveal(), files: files.map((file) => ({ ...file, content: file.content.reveal() })) };
};

describe('a job is given', () => {
  it('the keys of AWS as files and as variables', () => {
    expect(give('aws', { access_key: 'A', secret_key: 'S', region: 'eu' })).toEqual({
      env: { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', AWS_REGION: 'eu' },
      files: [
        {
          path: '/root/.aws/credentials',
          mode: 0o600,
          content: '[default]\naws_access_key_id = A\naws_secret_access_key = S\n',
        },
        { path: '/root/.aws/config', mode: 0o600, content: '[default]\nregion = eu\n' },
      ],
    });
  });

  it.each([
    ['huggingface', { token: 't' }, { HF_TOKEN: 't' }],
    ['wandb', { api_key: 'k' }, { WANDB_API_KEY: 'k' }],
    ['openai', { api_key: 'k' }, { OPENAI_API_KEY: 'k' }],
    ['modal', { token_id: 'i', token_secret: 's' }, { MODAL_TOKEN_ID: 'i', MODAL_TOKEN_SECRET: 's' }],
  ])('%s as a variable alone', (name, values, env) => {
    expect(give(name, values as Values)).toEqual({ env, files: [] });
  });

  it('the file of Google Cloud, and a variable that says where', () => {
    const path = '/root/.config/gcloud/application_default_credentials.json';
    expect(give('gcp', { credentials_json: '{"type":"x"}' })).toEqual({
      env: { GOOGLE_APPLICATION_CREDENTIALS: path },
      files: [{ path, mode: 0o600, content: '{"type":"x"}' }],
    });
  });

  it.each([
    ['ssh-rsa', undefined, '/root/.ssh/id_rsa'],
    ['ssh-ed25519', undefined, '/root/.ssh/id_ed25519'],
    ['ssh-ed25519', 'deploy', '/root/.ssh/deploy'],
  ])('a key of kind %s, called %s, under the name that ssh looks for', (kind, profile, path) => {
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.from(`openssh-key-v1\0${kind}`).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(give('ssh', { private_key: key, public_key: 'ssh-x A\n' }, profile).files).toEqual([
      { path, mode: 0o600, content: key },
      { path: `${path}.pub`, mode: 0o644, content: 'ssh-x A\n' },
    ]);
  });

  it.each(FORMATS.map((format) => [format.name, format] as const))(
    'all of %s that it needs',
    (_, format: CredentialFormat) => {
      const profile = format.profiles[0] ?? 'git.example.com';
      fc.assert(
        fc.property(credentialsOf(format, profile), (values) => {
          const { env, files } = give(format.name, values, profile);
          const inFiles = format.files.flatMap(({ family, path }) => {
            const file = files.find((one) => one.path === `/root/${path.replace('{profile}', profile)}`);
            return file ? Object.entries(family.read(file.content, profile) ?? {}) : [];
          });
          const inEnv = format.fields.flatMap(({ name, variables: [variable = ''] }) =>
            env[variable] === undefined ? [] : [[name, env[variable]]],
          );
          expect(Object.fromEntries([...inEnv, ...inFiles])).toEqual(values);
        }),
        { numRuns: 30 },
      );
    },
  );

  it('values that do not print', () => {
    const format = formatNamed('aws');
    if (!format) throw new Error('there is no format aws');
    const delivered = deliver(format, { access_key: 'hidden', secret_key: 'hidden' }, { home: '/root' });
    expect(JSON.stringify(delivered) + inspect(delivered, { depth: 9 })).not.toContain('hidden');
  });
});
