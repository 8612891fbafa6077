import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { UnusableFile } from './errors.js';
import { discover, findCredentials } from './find.js';
import type { CredentialFormat } from './format.js';
import { formatNamed } from './formats.js';
import type { Machine } from './machine.js';

const HOME = '/home/ada';
const PEM = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';

const machine = (files: Record<string, string>, env: Record<string, string> = {}): Machine => ({
  home: HOME,
  env,
  readFile: (path) => Promise.resolve(files[path]),
});

const format = (name: string): CredentialFormat => {
  const found = formatNamed(name);
  if (!found) throw new Error(`there is no format ${name}`);
  return found;
};

const look = async (name: string, there: Machine, profile?: string): Promise<unknown> => {
  const found = await findCredentials(format(name), there, profile === undefined ? {} : { profile });
  return found && { from: found.from, values: found.values.reveal() };
};

const KEYS =
  '[default]\naws_access_key_id = A\naws_secret_access_key = S\n[work]\naws_access_key_id = W\naws_secret_access_key = X\n';
const FILE = `${HOME}/.aws/credentials`;

describe('a credential is found', () => {
  it.each<[string, string, Machine, object]>([
    ['aws', 'in its file', machine({ [FILE]: KEYS }), { access_key: 'A', secret_key: 'S' }],
    [
      'aws',
      'in its two files',
      machine({ [FILE]: KEYS, [`${HOME}/.aws/config`]: '[default]\nregion = eu\n' }),
      { access_key: 'A', secret_key: 'S', region: 'eu' },
    ],
    [
      'aws',
      'in the profile that a variable names',
      machine({ [FILE]: KEYS }, { AWS_PROFILE: 'work' }),
      { access_key: 'W', secret_key: 'X' },
    ],
    [
      'aws',
      'in its variables, by their names and not by those of the fields',
      machine({}, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S', access_key: 'no', secret_key: 'no' }),
      { access_key: 'A', secret_key: 'S' },
    ],
    ['github', 'in GH_TOKEN', machine({}, { GH_TOKEN: 'a', GITHUB_TOKEN: 'b' }), { oauth_token: 'a' }],
    ['github', 'in GITHUB_TOKEN', machine({}, { GITHUB_TOKEN: 'b' }), { oauth_token: 'b' }],
    [
      'github',
      'in the file of a gh of its own folder',
      machine(
        { '/gh/hosts.yml': 'ghe.example.com:\n  oauth_token: x\n' },
        { GH_CONFIG_DIR: '/gh', GH_HOST: 'ghe.example.com' },
      ),
      { oauth_token: 'x' },
    ],
    [
      'huggingface',
      'in its file',
      machine({ [`${HOME}/.cache/huggingface/token`]: 'hf_a\n' }),
      { token: 'hf_a' },
    ],
    [
      'huggingface',
      'below HF_HOME',
      machine({ '/data/hf/token': 'hf_a' }, { HF_HOME: '/data/hf' }),
      { token: 'hf_a' },
    ],
    [
      'gcp',
      'where a variable with a ~ says',
      machine(
        { [`${HOME}/key.json`]: '{"type":"service_account"}' },
        { GOOGLE_APPLICATION_CREDENTIALS: '~/key.json' },
      ),
      { credentials_json: '{"type":"service_account"}' },
    ],
    [
      'kubernetes',
      'in the first file of a list',
      machine({ [`${HOME}/a`]: 'clusters: []\n' }, { KUBECONFIG: ':~/a:~/b' }),
      { kubeconfig: 'clusters: []\n' },
    ],
    [
      'wandb',
      'in the netrc',
      machine({ [`${HOME}/.netrc`]: 'machine api.wandb.ai login user password k' }),
      { api_key: 'k' },
    ],
    ['wandb', 'in its variable', machine({}, { WANDB_API_KEY: 'k' }), { api_key: 'k' }],
    [
      'ssh',
      'with a public key',
      machine({ [`${HOME}/.ssh/id_ed25519`]: PEM, [`${HOME}/.ssh/id_ed25519.pub`]: 'ssh-ed25519 A' }),
      { private_key: PEM, public_key: 'ssh-ed25519 A' },
    ],
    ['ssh', 'without a public key', machine({ [`${HOME}/.ssh/id_rsa`]: PEM }), { private_key: PEM }],
    ['sky', 'in its key', machine({ [`${HOME}/.ssh/sky-key`]: PEM }), { private_key: PEM }],
    [
      'modal',
      'in the table that is in use',
      machine({
        [`${HOME}/.modal.toml`]:
          '[a]\ntoken_id = "x"\ntoken_secret = "y"\n[b]\ntoken_id = "p"\ntoken_secret = "q"\nactive = true\n',
      }),
      { token_id: 'p', token_secret: 'q' },
    ],
    [
      'docker',
      'in its variables',
      machine(
        {},
        {
          SKYPILOT_DOCKER_USERNAME: 'u',
          SKYPILOT_DOCKER_PASSWORD: 'p',
          SKYPILOT_DOCKER_SERVER: 'registry.example.com',
        },
      ),
      { username: 'u', password: 'p', server: 'registry.example.com' },
    ],
    [
      's3-compatible',
      'in its own profile',
      machine({
        [FILE]: '[s3-compatible]\naws_access_key_id = M\naws_secret_access_key = N\n',
        [`${HOME}/.aws/config`]: '[profile s3-compatible]\nendpoint_url = http://minio:9000\n',
      }),
      { access_key: 'M', secret_key: 'N', endpoint: 'http://minio:9000' },
    ],
  ])('%s %s', async (name, _, there, values) => {
    expect(await look(name, there)).toMatchObject({ values });
    expect(Object.keys(((await look(name, there)) as { values: object }).values).sort()).toEqual(
      Object.keys(values).sort(),
    );
  });

  it('in its file before its variables, and says where', async () => {
    const there = machine({ [FILE]: KEYS }, { AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'E' });
    expect(await look('aws', there)).toMatchObject({
      from: { kind: 'file', paths: [FILE], profile: 'default' },
    });
    expect(await look('openai', machine({}, { OPENAI_API_KEY: 'k' }))).toMatchObject({
      from: { kind: 'env', variables: ['OPENAI_API_KEY'] },
    });
  });

  it('as it is at the moment, not as it once was', async () => {
    const files = { [FILE]: KEYS };
    const there = machine(files);
    expect(await look('aws', there)).toMatchObject({ values: { access_key: 'A' } });
    files[FILE] = KEYS.replace('= A', '= ROTATED');
    expect(await look('aws', there)).toMatchObject({ values: { access_key: 'ROTATED' } });
  });

  it('and does not print', async () => {
    const found = await findCredentials(format('openai'), machine({}, { OPENAI_API_KEY: 'sk-hidden' }));
    expect(JSON.stringify(found) + inspect(found) + String(found?.values)).not.toContain('hidden');
  });
});

describe('a credential is not found', () => {
  it.each<[string, string, Machine, string?]>([
    ['aws', 'with one of its variables missing', machine({}, { AWS_ACCESS_KEY_ID: 'A', AWS_REGION: 'r' })],
    [
      'aws',
      'with one of its variables empty',
      machine({}, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: '' }),
    ],
    ['aws', 'with half of it in the file', machine({ [FILE]: '[default]\naws_access_key_id = A\n' })],
    [
      'aws',
      'half in the file and half in a variable',
      machine({ [FILE]: '[default]\naws_access_key_id = A\n' }, { AWS_SECRET_ACCESS_KEY: 'S' }),
    ],
    [
      'aws',
      'under a name that only variables would answer',
      machine({}, { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S' }),
      'work',
    ],
    [
      'gcp',
      'elsewhere than a variable says',
      machine(
        { [`${HOME}/.config/gcloud/application_default_credentials.json`]: '{"type":"x"}' },
        { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere' },
      ),
    ],
    [
      'netrc',
      'without the name of a machine',
      machine({ [`${HOME}/.netrc`]: 'machine a login b password c' }),
    ],
    ['ssh', 'with a public key alone', machine({ [`${HOME}/.ssh/id_rsa.pub`]: 'ssh-rsa A' })],
  ])('%s %s', async (name, _, there, profile) => {
    expect(await look(name, there, profile)).toBeUndefined();
  });

  it('when its file is there and cannot be understood: that is an error', async () => {
    const there = machine({ [`${HOME}/.config/gh/hosts.yml`]: 'github.com: {hidden' }, { GH_TOKEN: 'x' });
    await expect(look('github', there)).rejects.toThrow(UnusableFile);
    await expect(look('github', there)).rejects.toThrow(
      `${HOME}/.config/gh/hosts.yml is not one YAML document`,
    );
  });
});

describe('everything on a machine', () => {
  it('is nothing on an empty one', async () => {
    expect(await discover(machine({}))).toEqual({ found: [], problems: [] });
  });

  it('is told, and what cannot be read hides none of it', async () => {
    const { found, problems } = await discover(
      machine(
        {
          [FILE]: KEYS,
          [`${HOME}/.docker/config.json`]: '{hidden',
          [`${HOME}/.ssh/id_rsa`]: PEM,
          [`${HOME}/.ssh/id_ed25519`]: PEM,
        },
        { OPENAI_API_KEY: 'k', COHERE_API_KEY: 'k' },
      ),
    );
    expect(found.map((one) => one.format)).toEqual(['aws', 'cohere', 'openai', 'ssh', 'ssh']);
    expect(problems).toEqual([{ format: 'docker', why: `${HOME}/.docker/config.json is not a JSON object` }]);
  });
});
