import { describe, expect, it } from 'vitest';
import { BadCredential } from './errors.js';
import type { CredentialFormat } from './format.js';
import { FORMATS, formatNamed } from './formats.js';
import { checkProfile, checkValues, oddFields } from './values.js';

const format = (name: string): CredentialFormat => {
  const found = formatNamed(name);
  if (!found) throw new Error(`there is no format ${name}`);
  return found;
};
const HIDDEN = 'hidden-value';

describe('values', () => {
  it.each([
    ['openai', { api_key: `${HIDDEN}\n` }, 'api_key'],
    ['openai', { api_key: `${HIDDEN}\0` }, 'api_key'],
    ['openai', { api_key: `${HIDDEN}\u001B[0m` }, 'api_key'],
    ['openai', { api_key: ` ${HIDDEN}` }, 'api_key'],
    ['openai', { api_key: `${HIDDEN}\uD800` }, 'api_key'],
    ['openai', { api_key: '' }, 'api_key'],
    ['openai', { api_key: HIDDEN.repeat(2_000) }, 'api_key'],
    ['openai', {}, 'api_key'],
    ['openai', { api_key: 'x', token: HIDDEN }, 'token'],
    ['aws', { access_key: HIDDEN }, 'secret_key'],
    ['docker', { username: `${HIDDEN}:x`, password: 'p', server: 's' }, 'username'],
    ['kubeconfig', { kubeconfig: `clusters: [${HIDDEN}\0]` }, 'kubeconfig'],
    ['kubeconfig', { kubeconfig: HIDDEN.repeat(30_000) }, 'kubeconfig'],
  ])('of %s that cannot be are refused by the name of the field', (name, values, field) => {
    const check = (): unknown => checkValues(format(name), values as Record<string, string>);
    expect(check).toThrow(BadCredential);
    expect(check).toThrow(new RegExp(`^${field}: `));
    expect(check).not.toThrow(new RegExp(HIDDEN));
  });

  it('have a private key end with a newline, which ssh insists on', () => {
    expect(checkValues(format('ssh'), { private_key: 'a\nb' })).toEqual({ private_key: 'a\nb\n' });
    expect(checkValues(format('ssh'), { private_key: 'a\r\nb\n\n' })).toEqual({ private_key: 'a\r\nb\n\n' });
  });

  it.each([
    [
      'aws',
      { access_key: 'AKIAIOSFODNN7EXAMPLE', secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
      [],
    ],
    ['aws', { access_key: 'MINIO', secret_key: 'short' }, ['access_key', 'secret_key']],
    ['s3-compatible', { access_key: 'MINIO', secret_key: 'short', endpoint: 'https://x' }, []],
    ['huggingface', { token: 'hf_x' }, []],
    ['huggingface', { token: 'x' }, ['token']],
  ])('of %s with a shape of their own are let through: odd are %3$j', (name, values, odd) => {
    const given = values as Record<string, string>;
    expect(checkValues(format(name), given)).toEqual(given);
    expect(oddFields(format(name), given)).toEqual(odd);
  });
});

it.each([
  ['ssh', '../authorized_keys'],
  ['ssh', 'a/b'],
  ['ssh', '.hidden'],
  ['aws', 'x]\n[y'],
  ['aws', ''],
  ['github', 'github.com: {}'],
  ['docker', '../..'],
  ['netrc', 'a b'],
])('no entry of %s is called %j', (name, profile) => {
  expect(() => checkProfile(format(name), profile)).toThrow(/^profile: /);
});

describe('the table', () => {
  it.each(FORMATS.map((one) => [one.name, one] as const))('has %s whole', (_, one) => {
    expect(formatNamed(one.name)).toBe(one);
    expect(one.fields.some(({ required }) => required)).toBe(true);
    const fields = one.fields.map(({ name }) => name);
    expect(one.files.flatMap(({ family }) => family.fields).filter((name) => !fields.includes(name))).toEqual(
      [],
    );
    // What is not in a file must be in a variable, and the other way round.
    const reachable = (name: string): boolean =>
      one.files.some(({ family }) => family.fields.includes(name)) ||
      one.fields.some((field) => field.name === name && field.variables.length > 0);
    expect(fields.filter((name) => !reachable(name))).toEqual([]);
    for (const profile of one.profiles) expect(checkProfile(one, profile)).toBe(profile);
  });

  it.each(
    'aws azure gcp lambda anthropic cohere github huggingface langchain openai pinecone wandb ssh sky kubeconfig kubernetes docker replicate runpod ngc mistral together gemini modal s3-compatible azure-openai nvidia netrc'.split(
      ' ',
    ),
  )('knows %s', (name) => {
    expect(formatNamed(name)).toBeDefined();
  });

  it('knows no other', () => {
    expect(formatNamed('aws2')).toBeUndefined();
  });
});
