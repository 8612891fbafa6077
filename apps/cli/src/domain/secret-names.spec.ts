import { FORMATS, formatNamed } from '@lineclear/credentials';
import { describe, expect, it } from 'vitest';
import { secretNames, standingInStore } from './secret-names.js';

const format = (name: string) => formatNamed(name)!;

describe('the name of a credential in the store', () => {
  it.each([
    ['huggingface', 'default', { token: 'HF_TOKEN' }],
    ['openai', undefined, { api_key: 'OPENAI_API_KEY' }],
    ['aws', 'prod', { secret_key: 'aws.prod.secret_key' }],
    ['aws', 'default', { access_key: 'AWS_ACCESS_KEY_ID' }],
    ['s3-compatible', 's3-compatible', { access_key: 's3-compatible.access_key' }],
    ['gcp', 'default', { credentials_json: 'gcp.credentials_json' }],
    ['ssh', 'id_rsa', { private_key: 'ssh.private_key' }],
    ['ssh', 'id_ed25519', { private_key: 'ssh.id_ed25519.private_key' }],
    [
      'netrc',
      'example.com',
      { password: expect.stringMatching(/^netrc\.example-com-[0-9a-f]{8}\.password$/) },
    ],
  ])('of %s, profile %s', (name, profile, expected) => {
    expect(secretNames(format(name), profile)).toMatchObject(expected);
  });

  it('is one that the store takes, and no other credential’s', () => {
    const names = FORMATS.flatMap((one) =>
      [one.profiles[0], 'a.b', 'a-b', 'a:b', 'a'.repeat(255)].flatMap((profile) =>
        Object.values(secretNames(one, profile ?? 'x')),
      ),
    );
    for (const name of names) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/);
    expect(new Set(names).size).toBe(names.length);
    const usual = FORMATS.flatMap((one) => Object.values(secretNames(one, one.profiles[0])));
    expect(new Set(usual).size).toBe(usual.length);
  });

  it.each([
    [['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'], 'there'],
    [['AWS_ACCESS_KEY_ID', 'AWS_REGION'], 'in part'],
    [['AWS_REGION'], 'in part'],
    [['HF_TOKEN'], 'absent'],
  ])('with %j in the store, aws is %s', (stored, expected) => {
    const aws = format('aws');
    expect(standingInStore(aws, secretNames(aws, 'default'), new Set(stored))).toBe(expected);
  });
});
