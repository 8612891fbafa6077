import type { Level } from '@lineclear/contracts';
import { startService, type RunningService } from '@lineclear/kit';
import { client, type Answer, type Client } from '@lineclear/testkit';
import { Secret, TOTP } from 'otpauth';
import { define } from '../src/app.module.js';
import { openAuthHouse, PASSWORD, type AuthHouse, type LoggedIn } from './auth-house.js';
import { SoftwareAuthenticator } from './software-authenticator.js';

export const FACTORS = '/api/auth/factors';
export const LOGIN = '/api/auth/login';
export const ORIGIN = 'https://lineclear.example.com';
export const BY_PASSWORD = { current_password: PASSWORD };

/** Somebody in a session. */
export interface Person extends LoggedIn {
  readonly id: number;
  readonly username: string;
  /** With a key of theirs. */
  readonly byKey: Client;
}
export interface WithTotp extends Person {
  readonly secret: string;
  readonly recoveryCodes: string[];
}
export interface WithPasskey extends Person {
  readonly authenticator: SoftwareAuthenticator;
  readonly passkeyId: number;
  readonly recoveryCodes: string[];
}

/** The auth service as `https://lineclear.example.com`, and a second replica of it. */
export interface FactorHouse extends AuthHouse {
  readonly replica: Client;
  /** What an app shows after half a minute: never what it showed before. */
  nextCode(secret: string): string;
  /** What it shows now, or that much later. */
  code(secret: string, laterMs?: number): string;
  someone(level?: Level): Promise<Person>;
  withTotp(level?: Level): Promise<WithTotp>;
  addPasskey(person: LoggedIn, authenticator?: SoftwareAuthenticator): Promise<Answer>;
  withPasskey(authenticator?: SoftwareAuthenticator): Promise<WithPasskey>;
  /** The ticket that a right password brings. */
  ticket(username: string, more?: object): Promise<string>;
  /** A second factor, as from that address. */
  finish(body: object, address?: string): Promise<Answer>;
}

export async function openFactorHouse(): Promise<FactorHouse> {
  const house = await openAuthHouse({ env: { PUBLIC_URL: ORIGIN } });
  const { clock, anonymous } = house;
  const { url, service: replica } = await replicaOf(house, { PUBLIC_URL: ORIGIN });

  const code = (secret: string, laterMs = 0): string =>
    TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: clock.now().getTime() + laterMs });
  const someone: FactorHouse['someone'] = async (level = 'viewer') => {
    const { id, username, http: byKey } = await house.person(level);
    return { ...(await house.login(username)), id, username, byKey };
  };
  const addPasskey: FactorHouse['addPasskey'] = async (
    { http },
    authenticator = new SoftwareAuthenticator(ORIGIN),
  ) => {
    const options = await http.post(`${FACTORS}/passkeys/options`, BY_PASSWORD);
    return http.post(`${FACTORS}/passkeys`, { name: 'laptop', response: authenticator.create(options.body) });
  };
  return {
    ...house,
    replica: client(url),
    code,
    nextCode(secret) {
      clock.laterMs += 30_000;
      return code(secret);
    },
    someone,
    async withTotp(level) {
      const person = await someone(level);
      const { secret } = (await person.http.post(`${FACTORS}/totp`, BY_PASSWORD)).body;
      const { body } = await person.http.post(`${FACTORS}/totp/confirm`, { code: code(secret) });
      return { ...person, secret, recoveryCodes: body.recovery_codes };
    },
    addPasskey,
    async withPasskey(authenticator = new SoftwareAuthenticator(ORIGIN)) {
      const person = await someone();
      const { body } = await addPasskey(person, authenticator);
      return { ...person, authenticator, passkeyId: body.passkey.id, recoveryCodes: body.recovery_codes };
    },
    async ticket(username, more = {}) {
      return (await anonymous.post(LOGIN, { username, password: PASSWORD, ...more })).body.second_factor
        .ticket;
    },
    finish: (body, address = '198.51.100.1') =>
      anonymous.post(`${LOGIN}/second-factor`, body, { 'x-forwarded-for': address }),
    async close() {
      await replica.close();
      await house.close();
    },
  };
}

/** Another process over the same database. */
export async function replicaOf(
  { backends, service, clock }: AuthHouse,
  more: Record<string, string> = {},
): Promise<{ readonly url: string; readonly service: RunningService }> {
  const env = await backends.envFor('auth', more);
  const [row] = await service.database.query<{ name: string }>('select current_database() as name');
  const url = new URL(env['DATABASE_URL']!);
  url.pathname = `/${row!.name}`;
  const replica = await startService(define({ ...env, DATABASE_URL: url.href }, { clock }));
  return { url: replica.url, service: replica };
}
