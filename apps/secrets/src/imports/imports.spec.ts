import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Malformed } from '../domain/secrets-file.js';
import { named, nameOf, type ImportEntry } from './entry.js';
import { planImport } from './plan.js';
import { readImport, type FileFormat } from './read-import.js';
import { readCredentialRows, type CredentialRow } from './simpletuner.js';

const pairs = (entries: readonly ImportEntry[]): [string, string][] =>
  entries.map(({ key, value, fault }) => [key, fault ?? value]);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a .env file', () => {
  it('has the names and values of its lines', () => {
    const content = '# theirs\nexport HF_TOKEN="hf_x"\nB=$A # as it is\n';
    expect(pairs(readImport('dotenv', content))).toEqual([
      ['HF_TOKEN', 'hf_x'],
      ['B', '$A'],
    ]);
  });

  it('that cannot be read is refused, by its line alone', () => {
    expect(() => readImport('dotenv', 'A=1\nhunter2')).toThrow(Malformed);
    expect(() => readImport('dotenv', 'A=1\nhunter2')).toThrow('line 2 is not NAME=value');
    expect(() => readImport('dotenv', 'A=1\nhunter2')).not.toThrow(/hunter2/);
  });
});

describe('other files', () => {
  it.each([
    [
      'json',
      '{"A": "1", "B": 12345678901234567890}',
      [
        ['A', '1'],
        ['B', '12345678901234567890'],
      ],
    ],
    [
      'yaml',
      'A: x # y\nB: "z"\n',
      [
        ['A', 'x'],
        ['B', 'z'],
      ],
    ],
    ['simpletuner', '{"REPLICATE_API_TOKEN": "r8_x"}', [['REPLICATE_API_TOKEN', 'r8_x']]],
    ['runhouse', '{"name": "~/openai", "values": {"api_key": "sk-1"}}', [['OPENAI_API_KEY', 'sk-1']]],
    [
      'runhouse',
      '{"name": "/me/aws", "provider": "aws", "values": {"access_key": "a", "secret_key": "b"}}',
      [
        ['AWS_ACCESS_KEY_ID', 'a'],
        ['AWS_SECRET_ACCESS_KEY', 'b'],
      ],
    ],
    [
      'runhouse',
      '[{"name": "mine", "values": {"x": "1"}, "env_vars": {"x": "MY_X"}}, {"provider": "huggingface", "values": {"token": "hf"}}]',
      [
        ['MY_X', '1'],
        ['HF_TOKEN', 'hf'],
      ],
    ],
    ['runhouse', '{"name": "k8s", "values": {"cluster": {"a": 1}}}', [['K8S_CLUSTER', '{"a":1}']]],
    [
      'kubetorch',
      `kind: Secret\nmetadata: {name: kt-openai, labels: {kubetorch.com/mount-type: env}}\ndata: {OPENAI_API_KEY: ${base64('sk-1')}}`,
      [['OPENAI_API_KEY', 'sk-1']],
    ],
    [
      'kubetorch',
      `kind: Secret\nmetadata: {name: x, labels: {kubetorch.com/provider: huggingface}}\ndata: {token: ${base64('hf')}}`,
      [['HF_TOKEN', 'hf']],
    ],
    [
      'kubetorch',
      `kind: Secret\nmetadata: {name: x-1, labels: {kubetorch.com/secret-name: aws}}\ndata: {credentials: ${base64('[default]')}, config: ${base64('x')}}\nstringData: {config: y}`,
      [
        ['aws.credentials', '[default]'],
        ['aws.config', 'y'],
      ],
    ],
    [
      'kubetorch',
      `kind: Secret\nmetadata: {name: a}\nstringData: {X: "1"}\n---\nkind: Secret\nmetadata: {name: b}\nstringData: {Y: "2"}`,
      [
        ['X', '1'],
        ['Y', '2'],
      ],
    ],
    [
      'kubetorch',
      JSON.stringify({
        kind: 'List',
        items: [{ kind: 'Secret', metadata: {}, data: { A: '%', B: base64('ok') } }],
      }),
      [
        ['A', 'is not text in base64'],
        ['B', 'ok'],
      ],
    ],
  ] as const)('%s: %s', (format, content, expected) => {
    expect(pairs(readImport(format, content))).toEqual(expected);
  });

  it.each([
    ['json', '{"A": "hunter2",}'],
    ['yaml', 'A: [hunter2'],
    ['yaml', 'A: {b: hunter2}'],
    ['runhouse', '{"name": "hunter2"}'],
    ['runhouse', 'hunter2'],
    ['kubetorch', 'kind: ConfigMap\nmetadata: {name: hunter2}'],
    ['kubetorch', 'a: &x hunter2\nb: *x'],
    ['kubetorch', 'a: [hunter2'],
    ['kubetorch', ''],
  ] as const)('refuses %s %j without quoting it', (format, content) => {
    expect(() => readImport(format, content)).toThrow(Malformed);
    expect(() => readImport(format, content)).not.toThrow('hunter2');
  });

  it('never fail otherwise, whatever is in them', () => {
    const formats = fc.constantFrom<FileFormat>(
      'dotenv',
      'json',
      'yaml',
      'simpletuner',
      'runhouse',
      'kubetorch',
    );
    const content = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.json(),
      fc.json().map((json) => `A=${json}\nB: ${json}`),
    );
    fc.assert(
      fc.property(formats, content, (format, text) => {
        try {
          expect(readImport(format, text)).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }),
    );
  });
});

describe('rows of SimpleTuner', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const row = (more: Partial<CredentialRow> = {}): CredentialRow => ({
    user_id: 1,
    provider: 'replicate',
    credential_name: 'api_token',
    credential_value: 'r8_plain',
    updated_at: '2026-05-30 12:00:00',
    ...more,
  });
  const TOKEN =
    'gAAAAABpKOYAHjfpM2rPsUHzfP9TMX98o7Y1EROf0w7o5RzaVlqNFnAgv2m7KCDHY-AKJjv84n05VycoACGlUazjZOb24nfMrQ==';
  const encrypted = row({ credential_value: Buffer.from(TOKEN).toString('base64url') });

  it.each([
    [
      'plain text, with a warning',
      row(),
      {},
      { value: 'r8_plain', warnings: [expect.stringContaining('plain text')] },
    ],
    [
      'what is encrypted',
      encrypted,
      { credentialKey: 'a key of a test' },
      { value: 'hf_simpletuner', warnings: [] },
    ],
    ['nothing without the key', encrypted, {}, { value: '', fault: 'is encrypted: credential_key opens it' }],
    [
      'nothing with another key',
      encrypted,
      { credentialKey: 'a key of a test ' },
      { fault: 'does not open with this credential_key' },
    ],
    [
      'how old it is',
      row({ updated_at: null, created_at: '2026-01-01T00:00:00Z' }),
      {},
      { warnings: [expect.anything(), expect.stringContaining('90 days')] },
    ],
    [
      'and no age that cannot be read',
      row({ updated_at: 'long ago' }),
      {},
      { warnings: [expect.anything()] },
    ],
  ])('tell %s', (_, one, options, expected) => {
    expect(readCredentialRows([one], { ...options, now })).toMatchObject([
      { key: 'REPLICATE_API_TOKEN', ...expected },
    ]);
  });

  it('are those of one user where that is asked for', () => {
    const rows = [row(), row({ user_id: 2, credential_value: 'r8_other' })];
    expect(readCredentialRows(rows, { only: 2, now }).map(({ value }) => value)).toEqual(['r8_other']);
  });
});

it.each([
  ['HF_TOKEN', 'HF_TOKEN'],
  ['my key/1', 'my_key_1'],
  ['1st', '_1st'],
  ['é', '_'],
])('calls %j %s', (key, name) => {
  expect(nameOf(key)).toBe(name);
});

it.each([
  ['no name', [{ key: '', value: 'x' }], 'has no name'],
  ['a long name', [{ key: 'a'.repeat(129), value: 'x' }], 'more than 128 characters'],
  ["a channel's name", [{ key: 'Channel.1', value: 'x' }], 'notification channels'],
  [
    'a name that was there',
    [
      { key: 'a b', value: 'x' },
      { key: 'a_b', value: 'x' },
    ],
    'more than once',
  ],
  ['an empty value', [{ key: 'A', value: '' }], 'is empty'],
  ['NUL in it', [{ key: 'A', value: 'a\u0000' }], 'NUL'],
  ['too much', [{ key: 'A', value: 'x'.repeat(65_537) }], '65536'],
])('finds fault with an entry that has %s', (_, entries, why) => {
  expect(named(entries).at(-1)?.fault).toContain(why);
});

it('plans what is new, the same, another and broken', () => {
  const print = (value: string): Buffer => Buffer.from(`print of ${value}`);
  const entries = named(['NEW', 'SAME', 'OTHER', 'UNKNOWN', ''].map((key) => ({ key, value: 'v' })));
  const current = new Map([
    ['SAME', print('v')],
    ['OTHER', print('w')],
    ['UNKNOWN', null],
  ]);
  const outcomes = (overwrite: boolean): string[] =>
    planImport(entries, current, print, overwrite).map(({ outcome }) => outcome);
  expect(outcomes(false)).toEqual(['set', 'unchanged', 'kept', 'kept', 'refused']);
  expect(outcomes(true)).toEqual(['set', 'unchanged', 'set', 'set', 'refused']);
});
