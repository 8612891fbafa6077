import { expect, it } from 'vitest';
import { missingForOauth, NO_OAUTH, wholeOauthOf, type OauthSettings } from './oauth-settings.js';

const whole: OauthSettings = {
  ...NO_OAUTH,
  tokenUrl: 'https://login.example.org/token',
  clientId: 'lineclear',
  hasClientSecret: true,
};

it.each<[string, OauthSettings | undefined, string | undefined, boolean]>([
  ['nothing was ever asked', undefined, undefined, false],
  ['nothing is asked', NO_OAUTH, undefined, false],
  ['all is there', whole, undefined, true],
  ['a refresh token is there too', { ...whole, hasRefreshToken: true, scope: 'mail' }, undefined, true],
  ['the URL is missing', { ...whole, tokenUrl: null }, 'oauth_token_url', false],
  ['the client is missing', { ...whole, clientId: null }, 'oauth_client_id', false],
  ['the secret is missing', { ...whole, hasClientSecret: false }, 'oauth_client_secret', false],
  ['there is a scope alone', { ...NO_OAUTH, scope: 'mail' }, 'oauth_token_url', false],
  ['there is a refresh token alone', { ...NO_OAUTH, hasRefreshToken: true }, 'oauth_token_url', false],
])('%s', (_what, oauth, missing, isWhole) => {
  expect(missingForOauth(oauth)).toBe(missing);
  expect(wholeOauthOf(oauth)).toEqual(isWhole ? oauth : undefined);
});
