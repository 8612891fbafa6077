import fc from 'fast-check';
import type { CredentialFile, CredentialFormat, Values } from './format.js';

/** Values that may be written: one line, no space around it. */
const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .filter(
    (value) => value !== '' && value === value.trim() && !/\p{Cc}/u.test(value) && value.isWellFormed(),
  );
const token = line.filter((value) => !/\s/.test(value));

const end = fc.constantFrom('\n', '\r\n');

/** A text of such lines, with or without its last newline, in either way of ending lines. */
const textOf = (lines: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(lines, { maxLength: 12 }), end, fc.boolean(), fc.constantFrom('', '\uFEFF'))
    .map(([all, eol, closed, mark]) => (all.length === 0 ? '' : mark + all.join(eol) + (closed ? eol : '')));

const iniLine = fc.oneof(
  fc.constantFrom(
    '',
    '  ',
    '# a comment',
    '; another',
    '[other]',
    '[default]',
    '[ profile  work ]',
    '[CURRENT]',
    'region = us-east-1',
  ),
  fc.constantFrom(
    'aws_access_key_id=OLD',
    'aws_secret_access_key   =   old secret  ',
    'subscription: 1',
    'APIKEY = old',
    'output=json',
    's3 =',
    '  max_concurrent_requests = 20',
    'aws_access_key_id_old: x',
    'credential_process = /bin/x "a b"',
  ),
);
const tomlLine = fc.constantFrom(
  '',
  '# a comment',
  '[other]',
  '[default]',
  "token_id = 'ak-old'",
  'token_secret = "as-old" # mine',
  'api_key="old"',
  'active = true',
  'token = "x#y" # why',
  "url = 'https://x'",
  'n = 1',
);
// A whole machine per piece, so that no two pieces make one nobody would write.
const netrcLine = fc.constantFrom(
  '',
  '# a comment',
  'machine example.com login a password b',
  'machine two.example.com\n  login u\n  account x\n  password "p w"',
  'machine api.wandb.ai login user',
  'machine wandb.example.com\r\n  login me\r\n  password "old one" # mine',
  'machine\n  wandb.example.com # no password yet',
  'macdef init\ncd /pub\nmachine\n',
  '  machine indented.example.com password pw  # trailing',
);
const yamlText = fc.oneof(
  textOf(fc.constantFrom('', '# a comment')),
  fc
    .tuple(
      fc.constantFrom('', '---\n', '# top\n', '\n'),
      fc.constantFrom(
        '',
        'github.com:\n    user: x\n    git_protocol: ssh\n',
        'github.com:\n  oauth_token: "old" # mine\n',
        "github.com: {oauth_token: 'old', user: x} # y\n",
      ),
      fc.subarray([
        '"ghe.example.com:8443": # nothing yet\n',
        'old.example.com:\n    user: x\n    oauth_token: abc # kept\n',
        'two.example.com: {user: y, git_protocol: ssh}\n',
        'three.example.com:\n',
        '"four.example.com":\n  users:\n    z:\n      oauth_token: |\n        abc\n# tail\n',
      ]),
      fc.boolean(),
    )
    .map(([head, first, hosts, closed]) => {
      const text = head + first + hosts.join('');
      return closed ? text : text.trimEnd();
    }),
  fc.constantFrom(
    '{}',
    '{github.com: {user: x}, "ghe.example.com:8443": {}}',
    'github.com: {}\nx: {}',
    '{}\n',
    '{ a.example.com: {user: b} }\n',
    '{\n  a.example.com: {},\n  b.example.com: {user: c}\n}\n',
  ),
);
const jsonText = fc
  .tuple(
    fc.record(
      {
        auths: fc.dictionary(
          fc.constantFrom('old.example.com', 'https://index.docker.io/v1/', 'registry.example.com/team'),
          fc.constantFrom(
            {},
            { auth: 'dTpw' },
            { email: 'e', auth: 'dTpw' },
            { identitytoken: 't', email: 'e' },
          ),
        ),
        credHelpers: fc.constant({ 'eu.example.com': 'gcloud' }),
        psFormat: fc.string(),
      },
      { requiredKeys: [] },
    ),
    fc.constantFrom('', '\t', '  '),
    fc.constantFrom('', '\n', '\n\n'),
    end,
  )
  .map(([value, indent, tail, eol]) =>
    (JSON.stringify(value, undefined, indent) + tail).replaceAll('\n', eol),
  );

interface Samples {
  /** Files as they may be before us. */
  readonly texts: fc.Arbitrary<string>;
  /** Two different entries of one file. */
  readonly profiles: readonly [string, string];
}

/** What files of each kind look like, by the path of the table. A file that is one credential has no other entries. */
export const SHARED_FILES: Readonly<Record<string, Samples>> = {
  '.aws/credentials': { texts: textOf(iniLine), profiles: ['default', 'work'] },
  '.aws/config': { texts: textOf(iniLine), profiles: ['default', 'work'] },
  '.azure/clouds.config': { texts: textOf(iniLine), profiles: ['AzureCloud', 'AzureChinaCloud'] },
  '.ngc/config': { texts: textOf(iniLine), profiles: ['CURRENT', 'team'] },
  '.modal.toml': { texts: textOf(tomlLine), profiles: ['default', 'team'] },
  '.runpod/config.toml': { texts: textOf(tomlLine), profiles: ['default', 'team'] },
  '.netrc': { texts: textOf(netrcLine), profiles: ['api.wandb.ai', 'wandb.example.com'] },
  '.config/gh/hosts.yml': { texts: yamlText, profiles: ['github.com', 'ghe.example.com:8443'] },
  '.docker/config.json': { texts: jsonText, profiles: ['docker.io', 'registry.example.com/team'] },
};

const PEM = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
// The quotes that are in a file stay where they can hold the value: an apostrophe is not for all.
const unquoted = token.filter((value) => !value.includes("'"));
const special: Readonly<Record<string, fc.Arbitrary<string>>> = {
  username: line.filter((value) => !value.includes(':')),
  token,
  token_id: unquoted,
  token_secret: unquoted,
  private_key: fc.constantFrom(PEM, PEM.replace('AAAA', 'BBBB')),
  public_key: line.map((text) => `ssh-ed25519 ${text}\n`),
  credentials_json: line.map((text) => JSON.stringify({ type: 'authorized_user', refresh_token: text })),
  kubeconfig: token.map((text) => `apiVersion: v1\nclusters: []\nusers: [${JSON.stringify(text)}]\n`),
};

/** Any values of all fields that a file holds. */
export const valuesOf = (file: CredentialFile, profile: string): fc.Arbitrary<Values> =>
  fc.record(
    Object.fromEntries(
      file.family.fields.map((field) => [
        field,
        field === 'server' ? fc.constant(profile) : (special[field] ?? line),
      ]),
    ),
  );

/** Any values of all fields of a format. */
export const credentialsOf = (format: CredentialFormat, profile: string): fc.Arbitrary<Values> =>
  fc.record(
    Object.fromEntries(
      format.fields.map(({ name }) => [
        name,
        name === 'server' ? fc.constant(profile) : (special[name] ?? line),
      ]),
    ),
  );
