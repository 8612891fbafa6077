/** How a channel gets the tokens that it logs in to its mail servers with. Its secrets are not here. */
export interface OauthSettings {
  readonly tokenUrl: string | null;
  readonly clientId: string | null;
  readonly scope: string | null;
  readonly hasClientSecret: boolean;
  /** Without one the client asks in its own name. */
  readonly hasRefreshToken: boolean;
}

/** All that it takes to ask for a token is there. */
export type WholeOauth = OauthSettings & { readonly tokenUrl: string; readonly clientId: string };

export const NO_OAUTH: OauthSettings = {
  tokenUrl: null,
  clientId: null,
  scope: null,
  hasClientSecret: false,
  hasRefreshToken: false,
};

/** The fields that are secrets, as the secrets service has them in the names of a channel's. */
export const OAUTH_SECRETS = ['oauth_client_secret', 'oauth_refresh_token'] as const;
export type OauthSecret = (typeof OAUTH_SECRETS)[number];

/** The settings after a change of them, and of whether there are secrets: null takes one away. */
export function oauthAfter(
  before: OauthSettings,
  change: Partial<OauthSettings>,
  secrets: Readonly<Partial<Record<OauthSecret, object | null>>>,
): OauthSettings {
  const { oauth_client_secret: client, oauth_refresh_token: refresh } = secrets;
  return {
    ...before,
    ...change,
    hasClientSecret: client === undefined ? before.hasClientSecret : client !== null,
    hasRefreshToken: refresh === undefined ? before.hasRefreshToken : refresh !== null,
  };
}

export function wholeOauthOf(oauth: OauthSettings = NO_OAUTH): WholeOauth | undefined {
  const { tokenUrl, clientId, hasClientSecret } = oauth;
  return tokenUrl === null || clientId === null || !hasClientSecret
    ? undefined
    : { ...oauth, tokenUrl, clientId };
}

/** The field that is missing where others are given. */
export function missingForOauth(
  oauth: OauthSettings = NO_OAUTH,
): 'oauth_token_url' | 'oauth_client_id' | 'oauth_client_secret' | undefined {
  const { tokenUrl, clientId, scope, hasClientSecret, hasRefreshToken } = oauth;
  const isAsked =
    tokenUrl !== null || clientId !== null || scope !== null || hasClientSecret || hasRefreshToken;
  if (!isAsked) return undefined;
  if (tokenUrl === null) return 'oauth_token_url';
  if (clientId === null) return 'oauth_client_id';
  return hasClientSecret ? undefined : 'oauth_client_secret';
}
