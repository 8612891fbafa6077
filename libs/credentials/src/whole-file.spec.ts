import { expect, it } from 'vitest';
import { UnusableText } from './errors.js';
import { notGoogleCredentials, notKubeconfig, notOneToken, notPrivateKey, wholeFile } from './whole-file.js';

const PEM = (kind: string): string =>
  `-----BEGIN ${kind}PRIVATE KEY-----\nAAAA\n-----END ${kind}PRIVATE KEY-----\n`;

it.each([
  ['a token', notOneToken, 'hf_x\n'],
  ['an OpenSSH key', notPrivateKey, PEM('OPENSSH ')],
  ['an RSA key', notPrivateKey, PEM('RSA ')],
  ['an encrypted key with CRLF', notPrivateKey, PEM('ENCRYPTED ').replaceAll('\n', '\r\n')],
  ['a user of Google', notGoogleCredentials, '{"type": "authorized_user", "refresh_token": "x"}'],
  ['a kubeconfig', notKubeconfig, 'apiVersion: v1\nclusters: []\n'],
  ['a kubeconfig in JSON', notKubeconfig, '{"clusters": []}'],
])('takes %s as it is', (_, refuse, text) => {
  expect(wholeFile('value', { refuse }).read(text, '')).toEqual({ value: text });
});

it.each([
  ['two tokens, as an appended one makes,', notOneToken, 'hf_hidden\nhf_hidden2\n'],
  ['a public key', notPrivateKey, 'ssh-ed25519 hidden x\n'],
  ['text that is no JSON', notGoogleCredentials, '{"type": hidden'],
  ['credentials without a type', notGoogleCredentials, '{"client_secret": "hidden"}'],
  ['YAML without clusters', notKubeconfig, 'hidden: x\n'],
  ['broken YAML', notKubeconfig, 'clusters: [hidden\n'],
])('refuses %s without quoting it', (_, refuse, text) => {
  const read = (): unknown => wholeFile('value', { refuse }).read(text, '');
  expect(read).toThrow(UnusableText);
  expect(read).not.toThrow(/hidden/);
});

it('replaces a token and does not add to it', () => {
  const file = wholeFile('token', { trimmed: true });
  expect(file.write('hf_old\n', { token: 'hf_new' }, '')).toBe('hf_new');
  expect(file.read(' hf_new \n', '')).toEqual({ token: 'hf_new' });
});

it('sees nothing in an empty file', () => {
  expect(wholeFile('token').read(' \n', '')).toBeUndefined();
});
