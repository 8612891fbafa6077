import { describe, expect, it } from 'vitest';
import { dockerConfig } from './docker-config.js';
import { UnusableText } from './errors.js';

const auth = (pair: string): string => Buffer.from(pair).toString('base64');
const CONFIG = `{
\t"auths": {
\t\t"registry.example.com": {
\t\t\t"auth": "${auth('me:token')}",
\t\t\t"email": "me@example.com"
\t\t},
\t\t"helped.example.com": {}
\t},
\t"credHelpers": { "helped2.example.com": "gcloud" }
}
`;
const ours = { server: 'docker.io', username: 'u', password: 'p:w' };

describe("docker's config.json", () => {
  it.each([
    ['registry.example.com', { server: 'registry.example.com', username: 'me', password: 'token' }],
    ['helped.example.com', undefined],
    ['docker.io', undefined],
  ])('has of %s %j', (registry, values) => {
    expect(dockerConfig.read(CONFIG, registry)).toEqual(values);
  });

  it('knows the hub by its old address', () => {
    const written = dockerConfig.write(CONFIG, ours, 'docker.io');
    expect(JSON.parse(written)).toMatchObject({
      auths: { 'https://index.docker.io/v1/': { auth: auth('u:p:w') } },
    });
    expect(dockerConfig.read(written, 'docker.io')).toEqual(ours);
  });

  it('keeps other registries and keys', () => {
    const written = dockerConfig.write(
      CONFIG,
      { ...ours, server: 'registry.example.com' },
      'registry.example.com',
    );
    expect(written).toBe(CONFIG.replace(auth('me:token'), auth('u:p:w')));
  });

  it.each([
    ['nothing', undefined],
    ['an empty file', ''],
    ['an empty object', '{}'],
    ['no registries', '{"psFormat": "x"}\n'],
  ])('can be made from %s', (_, text) => {
    expect(dockerConfig.read(dockerConfig.write(text, ours, 'docker.io'), 'docker.io')).toEqual(ours);
  });

  it.each([
    ['broken text', '{"auths": '],
    ['comments', '{/* hidden */}'],
    ['a list', '[]'],
    ['registries in a list', '{"auths": []}'],
  ])('with %s is not edited', (_, text) => {
    expect(() => dockerConfig.write(text, ours, 'docker.io')).toThrow(UnusableText);
  });

  it.each([auth('nopassword'), auth(':x'), auth('x:'), '!!'])('has no password in %j', (value) => {
    expect(
      dockerConfig.read(
        JSON.stringify({ auths: { 'registry.example.com': { auth: value } } }),
        'registry.example.com',
      ),
    ).toBeUndefined();
  });
});
