import { Injectable } from '@nestjs/common';
import { Cached, cacheOf, Clock, Metrics, NotAuthenticated, Unavailable } from '@lineclear/kit';
import { createRemoteJWKSet, errors as jose, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import * as openid from 'openid-client';
import { claimAt, type Claims } from '../domain/claims.js';
import type { OidcProvider } from '../domain/identity-provider.js';
import { Providers } from './providers.js';

const TIMEOUT_SECONDS = 10;
const KNOWN_FOR_MS = 3_600_000;
const MAX_KNOWN = 100;
// The library looks for a key it does not know in keys that are this old, and asks for them anew then.
const ASK_AGAIN_AGE_SECONDS = 60;
// Anybody can send us what names an unknown key.
const KEYS_COOLDOWN_MS = 5_000;
// Whatever signs with a secret could be signed by who knows the secret.
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

type KeyCache = NonNullable<ReturnType<typeof openid.getJwksCache>>;

/** What is remembered of an issuer. */
interface Known {
  readonly metadata: openid.ServerMetadata;
  readonly keysOfLogouts: JWTVerifyGetKey | undefined;
  keys?: KeyCache | undefined;
}

/** What this login must bring back. */
export interface Expected {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Speaks OpenID Connect with providers: what they say of themselves, and their keys, are remembered for a while. */
@Injectable()
export class OidcClient {
  constructor(
    private readonly providers: Providers,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /** Where a browser goes to log in. @throws Unavailable */
  async authorizationUrl(
    provider: OidcProvider,
    { redirectUri, state, nonce, verifier }: Expected & { readonly redirectUri: string },
  ): Promise<URL> {
    const { configuration } = await this.#configurationOf(provider);
    return openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: provider.config.scopes.join(' '),
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
  }

  /** What the provider says of who comes back from it. @throws Unavailable, or NotAuthenticated when that does not hold */
  async claims(provider: OidcProvider, cameBack: URL, expected: Expected): Promise<Claims & { sub: string }> {
    const { configuration, known } = await this.#configurationOf(provider);
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, cameBack, {
        expectedState: expected.state,
        expectedNonce: expected.nonce,
        pkceCodeVerifier: expected.verifier,
        idTokenExpected: true,
      });
      known.keys = openid.getJwksCache(configuration) ?? known.keys;
      const claims = tokens.claims();
      if (!claims) throw new NotAuthenticated(`${named(provider)} sent no ID token`);
      const isWhole = 'email' in claims && claimAt(claims, provider.config.roles_claim) !== undefined;
      if (isWhole || known.metadata.userinfo_endpoint === undefined) return claims;
      const more = await openid.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      // What is signed counts more.
      return { ...more, ...claims };
    } catch (error) {
      throw refusal(provider, error);
    }
  }

  /** What a logout token says, if the provider made it for us. @throws Unavailable, or NotAuthenticated */
  async verifyLogout(provider: OidcProvider, token: string, now: Date): Promise<JWTPayload> {
    const { known } = await this.#configurationOf(provider);
    if (!known.keysOfLogouts) throw new Unavailable(`${named(provider)} tells of no keys`);
    try {
      const { payload } = await jwtVerify(token, known.keysOfLogouts, {
        issuer: known.metadata.issuer,
        audience: provider.config.client_id,
        algorithms: ALGORITHMS,
        currentDate: now,
        clockTolerance: 60,
      });
      return payload;
    } catch (error) {
      const isAnswer = error instanceof jose.JOSEError && !(error instanceof jose.JWKSTimeout);
      throw isAnswer
        ? new NotAuthenticated(`the logout token is not one of ${named(provider)} for us`)
        : unreachable(provider, error);
    }
  }

  /** Asks the provider now; what is wrong with it, if anything is. */
  async fault(provider: OidcProvider): Promise<string | undefined> {
    const { issuer, client_id } = provider.config;
    cacheOf<OidcClient, 'discover'>(this, 'discover').drop(issuer, client_id);
    try {
      await this.#knownOf(provider);
      return undefined;
    } catch (error) {
      return wordsOf((error as Error).cause ?? error);
    }
  }

  async #configurationOf(
    provider: OidcProvider,
  ): Promise<{ configuration: openid.Configuration; known: Known }> {
    const known = await this.#knownOf(provider);
    const secret = await this.providers.secretOf(provider);
    const { metadata, keys } = known;
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authenticate = methods.includes('client_secret_basic')
      ? openid.ClientSecretBasic
      : openid.ClientSecretPost;
    const configuration = new openid.Configuration(
      metadata,
      provider.config.client_id,
      undefined,
      secret ? authenticate(secret.reveal()) : openid.None(),
    );
    configuration.timeout = TIMEOUT_SECONDS;
    if (isPlain(provider.config.issuer)) openid.allowInsecureRequests(configuration);
    openid.enableNonRepudiationChecks(configuration);
    if (keys) openid.setJwksCache(configuration, { ...keys, uat: keys.uat - ASK_AGAIN_AGE_SECONDS });
    return { configuration, known };
  }

  async #knownOf(provider: OidcProvider): Promise<Known> {
    try {
      return await this.discover(provider.config.issuer, provider.config.client_id);
    } catch (error) {
      throw unreachable(provider, error);
    }
  }

  /** What an issuer says of itself, now or within the last hour. @throws what went wrong on the way to it */
  @Cached<OidcClient>({
    keyPrefix: 'oidc',
    ttlMs: KNOWN_FOR_MS,
    maxEntries: MAX_KNOWN,
    with: ({ clock, metrics }) => ({ clock, metrics }),
  })
  async discover(issuer: string, clientId: string): Promise<Known> {
    const execute = isPlain(issuer) ? [openid.allowInsecureRequests] : [];
    const found = await openid.discovery(new URL(issuer), clientId, undefined, undefined, {
      timeout: TIMEOUT_SECONDS,
      execute,
    });
    const metadata = found.serverMetadata();
    return {
      metadata,
      keysOfLogouts:
        metadata.jwks_uri === undefined
          ? undefined
          : createRemoteJWKSet(new URL(metadata.jwks_uri), {
              cooldownDuration: KEYS_COOLDOWN_MS,
              timeoutDuration: TIMEOUT_SECONDS * 1_000,
            }),
    };
  }
}

const isPlain = (issuer: string): boolean => issuer.startsWith('http:');
const named = ({ name }: OidcProvider): string => `the identity provider ${JSON.stringify(name)}`;

/** Why is for the log: whoever logs in need not know where the provider is. */
const unreachable = (provider: OidcProvider, cause: unknown): Unavailable =>
  new Unavailable(`${named(provider)} cannot be reached right now`, { cause });

/** It does not know us: that is for us to put right, not for who logs in. */
const notOnTerms = (provider: OidcProvider, cause: unknown): Unavailable =>
  new Unavailable(
    `${named(provider)} does not accept this house: its client_id and client_secret are not right`,
    {
      cause,
    },
  );

/** What went wrong when a code was changed for claims: the provider said no, is not there, or said what does not hold. */
function refusal(provider: OidcProvider, error: unknown): Error {
  if (error instanceof NotAuthenticated) return error;
  if (error instanceof openid.AuthorizationResponseError)
    return new NotAuthenticated(`${named(provider)} let nobody in: ${codeOf(error.error)}`);
  if (error instanceof openid.WWWAuthenticateChallengeError) return notOnTerms(provider, error);
  if (error instanceof openid.ResponseBodyError) {
    if (error.error === 'invalid_client' || error.error === 'unauthorized_client')
      return notOnTerms(provider, error);
    if (error.status >= 500) return unreachable(provider, error);
    return new NotAuthenticated(`${named(provider)} refused the login: ${codeOf(error.error)}`);
  }
  const isAway =
    error instanceof TypeError || (error instanceof openid.ClientError && AWAY.includes(error.code ?? ''));
  if (isAway) return unreachable(provider, error);
  return new NotAuthenticated(`what ${named(provider)} said does not hold: ${wordsOf(error)}`);
}

const AWAY = [
  'OAUTH_TIMEOUT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
];

/** An error code by the standard, and nothing of what else came in its place. */
const codeOf = (code: string): string => (/^[a-z_]{1,60}$/.test(code) ? code : 'an unknown error');

function wordsOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string; code?: string } };
  const why = cause?.message || cause?.code;
  return why ? `${message} (${why})` : (message ?? 'no reason');
}
