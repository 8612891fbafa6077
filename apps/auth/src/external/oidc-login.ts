import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { BadInput, Clock, Database, NotAuthenticated, NotFound } from '@lineclear/kit';
import { AtRest } from '../credentials/at-rest.js';
import type { LoggedIn } from '../credentials/let-in.js';
import * as oidc from '../db/oidc.repo.js';
import { groupsAt, textAt, type Claims } from '../domain/claims.js';
import type { ExternalPerson, OidcProvider } from '../domain/identity-provider.js';
import { after } from '../domain/session-lifetime.js';
import { AdmitPerson, type Arrival } from './admit-person.js';
import { OidcClient } from './oidc-client.js';
import { Providers } from './providers.js';

/** How long a person may take at the provider. */
export const LOGIN_SECONDS = 600;

export interface Begun {
  readonly authUrl: string;
  readonly state: string;
  /** For a cookie of the browser: without it nobody can end what was begun here. */
  readonly browserToken: string;
}

/** Logins by OpenID Connect: begun on one replica and ended on any, once, in the browser they were begun in. */
@Injectable()
export class OidcLogin {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly atRest: AtRest,
    private readonly providers: Providers,
    private readonly client: OidcClient,
    private readonly people: AdmitPerson,
  ) {}

  async begin(
    name: string,
    to: { readonly redirectUri: string; readonly returnTo: string | undefined },
  ): Promise<Begun> {
    const provider = await this.providers.byName(name);
    if (!provider) throw new NotFound('identity provider', name);
    if (provider.type !== 'oidc') throw BadInput.at('provider', 'is not one of OpenID Connect');
    if (!provider.enabled) throw BadInput.at('provider', 'is switched off');
    const [state, nonce, verifier, browserToken] = [random(), random(), random(), random()];
    const authUrl = await this.client.authorizationUrl(provider, {
      redirectUri: to.redirectUri,
      state,
      nonce,
      verifier,
    });
    const stateSha256 = hashToken(state);
    await oidc.begin(this.database, {
      state_sha256: stateSha256,
      provider_id: provider.id,
      browser_sha256: hashToken(browserToken),
      nonce,
      sealed_verifier: this.atRest.seal('oidc-verifier', stateSha256, verifier),
      redirect_uri: to.redirectUri,
      return_to: to.returnTo ?? null,
      expires_at: after(this.clock.now(), LOGIN_SECONDS),
    });
    return { authUrl: authUrl.href, state, browserToken };
  }

  /** Ends a login with what the provider sent the browser back with. */
  async finish(
    state: string,
    {
      query,
      browserToken,
      arrival,
    }: {
      query: string;
      browserToken: string | undefined;
      arrival: Omit<Arrival, 'rememberMe' | 'providerSid'>;
    },
  ): Promise<LoggedIn & { readonly returnTo: string | undefined }> {
    const stateSha256 = hashToken(state);
    const browserSha256 = hashToken(browserToken ?? '');
    const begun = await oidc.take(this.database, { stateSha256, browserSha256 }, this.clock.now());
    if (!begun)
      throw BadInput.at('state', 'is not that of a login begun in this browser in the last 10 minutes');
    const provider = await this.providers.byId(begun.provider_id);
    if (provider?.type !== 'oidc' || !provider.enabled)
      throw new NotAuthenticated('the identity provider was switched off meanwhile');
    const cameBack = new URL(begun.redirect_uri);
    cameBack.search = query;
    const claims = await this.client.claims(provider, cameBack, {
      state,
      nonce: begun.nonce,
      verifier: this.atRest.open('oidc-verifier', stateSha256, begun.sealed_verifier).reveal(),
    });
    const person = personOf(provider, claims);
    const providerSid = textAt(claims, 'sid');
    const loggedIn = await this.people.admit(provider, person, {
      ...arrival,
      rememberMe: false,
      providerSid,
    });
    return { ...loggedIn, returnTo: begun.return_to ?? undefined };
  }
}

const personOf = (provider: OidcProvider, claims: Claims & { readonly sub: string }): ExternalPerson => ({
  subject: claims.sub,
  email: textAt(claims, 'email'),
  // Some write it as text.
  emailVerified: claims['email_verified'] === true || claims['email_verified'] === 'true',
  username: textAt(claims, 'preferred_username'),
  displayName: textAt(claims, 'name'),
  groups: groupsAt(claims, provider.config.roles_claim),
});

const random = (): string => randomBytes(32).toString('base64url');
