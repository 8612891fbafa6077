import { dockerConfig, registryName } from './docker-config.js';
import { BASE, optional, OWNER_ONLY, secretField, shown, wholeText } from './fields.js';
import type { CredentialFile, CredentialFormat, Values } from './format.js';
import { iniFile } from './ini.js';
import { netrcFile } from './netrc.js';
import { notOneToken, notPrivateKey, wholeFile } from './whole-file.js';
import { yamlHosts } from './yaml-file.js';

const HOST = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:\d{1,5})?$/;

const netrc = (login: string | undefined, words: Readonly<Record<string, string>>): CredentialFile => ({
  path: '.netrc',
  mode: OWNER_ONLY,
  locations: [{ variable: 'NETRC' }],
  family: netrcFile({ words, ...(login !== undefined && { login }) }),
});

const keyPair = {
  fields: [
    wholeText(secretField('private_key', [])),
    optional(shown(wholeText(secretField('public_key', [], /^(ssh|ecdsa|sk)-/)))),
  ],
  files: [
    {
      path: '.ssh/{profile}',
      mode: OWNER_ONLY,
      family: wholeFile('private_key', { refuse: notPrivateKey }),
    },
    { path: '.ssh/{profile}.pub', mode: 0o644, family: wholeFile('public_key') },
  ],
  delivery: 'file',
} as const satisfies Partial<CredentialFormat>;

/** Where code, models, images and figures are kept, and the keys to machines: what has a file of its own. */
export const TOOL_FORMATS: readonly CredentialFormat[] = [
  {
    ...BASE,
    name: 'docker',
    title: 'Docker registry',
    fields: [
      shown(secretField('username', ['SKYPILOT_DOCKER_USERNAME'])),
      secretField('password', ['SKYPILOT_DOCKER_PASSWORD']),
      shown(secretField('server', ['SKYPILOT_DOCKER_SERVER'])),
    ],
    files: [
      {
        path: '.docker/config.json',
        mode: OWNER_ONLY,
        locations: [{ variable: 'DOCKER_CONFIG', below: 'config.json' }],
        family: dockerConfig,
      },
    ],
    delivery: 'both',
    profiles: ['docker.io'],
    profileShape: /^[\w.:/-]{1,255}$/,
    profileOf: ({ server }) => server && registryName(server),
  },
  {
    ...BASE,
    name: 'github',
    title: 'GitHub',
    fields: [secretField('oauth_token', ['GH_TOKEN', 'GITHUB_TOKEN'], /^(gh[opsur]_|github_pat_)/)],
    files: [
      {
        path: '.config/gh/hosts.yml',
        mode: OWNER_ONLY,
        locations: [{ variable: 'GH_CONFIG_DIR', below: 'hosts.yml' }],
        family: yamlHosts({ keys: { oauth_token: 'oauth_token' } }),
      },
    ],
    delivery: 'both',
    profiles: ['github.com'],
    profileVariable: 'GH_HOST',
    profileShape: HOST,
  },
  {
    ...BASE,
    name: 'huggingface',
    title: 'Hugging Face',
    fields: [secretField('token', ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'], /^hf_/)],
    files: [
      {
        path: '.cache/huggingface/token',
        mode: OWNER_ONLY,
        locations: [{ variable: 'HF_TOKEN_PATH' }, { variable: 'HF_HOME', below: 'token' }],
        family: wholeFile('token', { trimmed: true, refuse: notOneToken }),
      },
    ],
  },
  {
    ...BASE,
    name: 'netrc',
    title: 'netrc (any machine)',
    fields: [shown(secretField('login', [])), secretField('password', [])],
    files: [netrc(undefined, { login: 'login', password: 'password' })],
    delivery: 'file',
    profiles: [],
    profileShape: HOST,
  },
  {
    ...BASE,
    name: 'ngc',
    title: 'NVIDIA NGC',
    fields: [secretField('api_key', ['NGC_API_KEY', 'NGC_CLI_API_KEY'])],
    files: [
      {
        path: '.ngc/config',
        mode: OWNER_ONLY,
        family: iniFile({ sections: (profile) => [profile], keys: { api_key: 'apikey' } }),
      },
    ],
    profiles: ['CURRENT'],
  },
  {
    ...BASE,
    ...keyPair,
    name: 'sky',
    title: 'SkyPilot key pair',
    profiles: ['sky-key'],
  },
  {
    ...BASE,
    ...keyPair,
    name: 'ssh',
    title: 'SSH key pair',
    profiles: ['id_rsa', 'id_ed25519'],
    profileOf: keyFileName,
  },
  {
    ...BASE,
    name: 'wandb',
    title: 'Weights & Biases',
    fields: [secretField('api_key', ['WANDB_API_KEY'], /^\S{40,}$/)],
    files: [netrc('user', { api_key: 'password' })],
    profiles: ['api.wandb.ai'],
    profileShape: HOST,
  },
];

/** The kind of a key stands in clear in OpenSSH's format: ssh looks for each kind under its own name. */
function keyFileName({ private_key: key = '' }: Values): string {
  const body = key.replaceAll(/-----[^-]*-----|\s/g, '');
  return Buffer.from(body, 'base64').includes('ssh-ed25519') ? 'id_ed25519' : 'id_rsa';
}
