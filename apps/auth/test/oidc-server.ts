import { randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT = { id: 'lineclear', secret: randomBytes(24).toString('hex') };
type Claims = Record<string, unknown>;

/** A real OpenID Connect provider on this machine, and a browser that logs in with it. */
export interface OidcServer {
  readonly issuer: string;
  /** What it says of people, by their name there. */
  readonly people: Map<string, Claims>;
  /** How often it was asked for its keys. */
  keysAsked(): number;
  /** Logs somebody in where a login was begun. @returns where the browser is sent back to */
  logIn(authUrl: string, who: string): Promise<URL>;
  /** Says no where a login was begun. @returns where the browser is sent back to */
  refuse(authUrl: string): Promise<URL>;
  /** Signs with a new key from now on, and tells of no other. */
  rotateKeys(): Promise<void>;
  /** A logout token, with these claims in the place of good ones. */
  logoutToken(claims: Claims, header?: { kid?: string; alg?: string }): Promise<string>;
  /** Answers nobody until it is called again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startOidcServer(client: {
  redirectUris: readonly string[];
  logoutUri: string;
}): Promise<OidcServer> {
  const people = new Map<string, Claims>();
  let handle: RequestListener = () => undefined;
  let keysAsked = 0;
  let key: JWK;
  let server: Server;

  const listen = (port: number): Promise<number> =>
    new Promise((resolve) => {
      server = createServer((request, response) => {
        if (request.url?.startsWith('/jwks')) keysAsked += 1;
        handle(request, response);
      }).listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  const port = await listen(0);
  const issuer = `http://127.0.0.1:${port}`;

  async function rotateKeys(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    key = { ...(await exportJWK(privateKey)), kid: randomBytes(6).toString('hex'), alg: 'RS256', use: 'sig' };
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: client.redirectUris,
          backchannel_logout_uri: client.logoutUri,
          backchannel_logout_session_required: true,
        },
      ],
      jwks: { keys: [key] },
      scopes: ['openid', 'email', 'profile', 'groups', 'roles'],
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['name', 'preferred_username'],
        groups: ['groups'],
        roles: ['realm_access'],
      },
      cookies: { keys: ['for tests'] },
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
      findAccount: (_: unknown, sub: string) => ({
        accountId: sub,
        claims: () => ({ ...people.get(sub), sub }),
      }),
    });
    handle = (request, response) => void provider.callback()(request, response);
  }
  await rotateKeys();

  /** Follows a browser's way until the provider sends it away, filling in each form as `answers` has it. */
  async function browse(
    from: string,
    answers: Record<string, Record<string, string> | 'abort'>,
  ): Promise<URL> {
    const cookies = new Map<string, string>();
    let [url, form]: [URL, Record<string, string> | undefined] = [new URL(from), undefined];
    for (let steps = 0; steps < 20; steps += 1) {
      if (url.origin !== issuer) return url;
      const response: Response = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      const page = await response.text();
      form = undefined;
      if (location !== null) {
        url = new URL(location, url);
        continue;
      }
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
      const answer = prompt && answers[prompt];
      if (!answer) throw new Error(`the provider shows ${response.status} ${page.slice(0, 500)}`);
      if (answer === 'abort') url = new URL(`${url.pathname}/abort`, url);
      else form = { prompt: prompt, ...answer };
    }
    throw new Error('the provider sends the browser round and round');
  }

  return {
    issuer,
    people,
    keysAsked: () => keysAsked,
    logIn: (authUrl, who) => browse(authUrl, { login: { login: who, password: 'x' }, consent: {} }),
    refuse: (authUrl) => browse(authUrl, { login: 'abort' }),
    rotateKeys,
    logoutToken: (claims, header = {}) => {
      const good = {
        iss: issuer,
        aud: CLIENT.id,
        iat: Math.floor(Date.now() / 1_000),
        jti: randomBytes(9).toString('hex'),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      };
      const alg = header.alg ?? 'RS256';
      const by = alg === 'RS256' ? key : new TextEncoder().encode(CLIENT.secret);
      return new SignJWT({ ...good, ...claims })
        .setProtectedHeader({ alg, kid: header.kid ?? key.kid! })
        .sign(by);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    start: async () => void (await listen(port)),
  };
}
