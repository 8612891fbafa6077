import type { RunningService } from '@lineclear/kit';
import { client, type Answer } from '@lineclear/testkit';
import { openAuthHouse, withHeaders, type AuthHouse, type LoggedIn } from './auth-house.js';
import { CLIENT, startOidcServer, type OidcServer } from './oidc-server.js';

export const OIDC = '/api/cloud/external-auth/oidc';

/** A login that was begun in a browser. */
export interface Begun {
  readonly authUrl: string;
  readonly state: string;
  /** The browser's cookie of it. */
  readonly cookie: string;
}

/** The auth service, a second replica of it, and a provider that both know as `keycloak`. */
export interface OidcHouse extends AuthHouse {
  readonly provider: OidcServer;
  readonly replica: RunningService;
  begin(query?: Record<string, string>): Promise<Begun>;
  /** The browser's way back from the provider, to this house or to another replica. */
  comeBack(begun: Begun, to: URL, options?: { at?: string; cookie?: string }): Promise<Answer>;
  /** A whole login. */
  enter(who: string, query?: Record<string, string>): Promise<Answer>;
  /** What a browser has after a login. */
  session(answer: Answer): LoggedIn;
}

export const KEYCLOAK = (issuer: string): Record<string, unknown> => ({
  name: 'keycloak',
  provider_type: 'oidc',
  enabled: true,
  config: {
    issuer,
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    scopes: ['openid', 'email', 'profile', 'roles'],
    roles_claim: 'realm_access.roles',
  },
});

export async function openOidcHouse(): Promise<OidcHouse> {
  const house = await openAuthHouse();
  const { anonymous, service } = house;
  const replica = await house.startReplica();
  const provider = await startOidcServer({
    redirectUris: [`${service.url}${OIDC}/callback`],
    logoutUri: `${service.url}${OIDC}/backchannel-logout/keycloak`,
  });
  const begin: OidcHouse['begin'] = async (query = {}) => {
    const search = new URLSearchParams({ provider: 'keycloak', ...query });
    const answer = await anonymous.get(`${OIDC}/start?${search}`, { accept: 'application/json' });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    const cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!;
    return { authUrl: answer.body.auth_url, state: answer.body.state, cookie };
  };
  const comeBack: OidcHouse['comeBack'] = ({ cookie }, to, options = {}) =>
    client(options.at ?? service.url).get(`${OIDC}/callback${to.search}`, {
      cookie: options.cookie ?? cookie,
    });
  return {
    ...house,
    provider,
    replica,
    begin,
    comeBack,
    async enter(who, query) {
      const begun = await begin(query);
      return comeBack(begun, await provider.logIn(begun.authUrl, who));
    },
    session(answer) {
      const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const csrfToken = answer.body.csrf_token as string;
      return { cookie, csrfToken, http: withHeaders(anonymous, { cookie, 'x-csrf-token': csrfToken }) };
    },
    async close() {
      await provider.stop();
      await replica.close();
      await house.close();
    },
  };
}
