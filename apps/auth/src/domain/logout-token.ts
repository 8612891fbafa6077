import type { Claims } from './claims.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_LENGTH = 500;
/** How old a logout token may be, and how far ahead the provider's clock. */
const GOOD_FOR_SECONDS = 600;
const AHEAD_SECONDS = 60;

export type Logout =
  | {
      readonly state: 'right';
      /** Each is taken once; it is remembered for as long as the token would be taken. */
      readonly jti: string;
      readonly goodForSeconds: number;
      readonly sub: string | undefined;
      readonly sid: string | undefined;
    }
  | { readonly state: 'wrong'; readonly why: string };

/** Whom a logout token, whose signature, issuer and audience are right, logs out (Back-Channel Logout 1.0, section 2.6). */
export function logoutOf(claims: Claims, now: Date): Logout {
  const { iat, jti, sub, sid, events } = claims;
  const wrong = (why: string): Logout => ({ state: 'wrong', why });
  const age = typeof iat === 'number' ? now.getTime() / 1_000 - iat : Number.NaN;
  if (!(age >= -AHEAD_SECONDS && age <= GOOD_FOR_SECONDS))
    return wrong('has no time of issue (iat) of just now');
  if ('nonce' in claims) return wrong('has a nonce, as only ID tokens have');
  const told = events !== null && typeof events === 'object' && (events as Claims)[EVENT];
  if (told === null || typeof told !== 'object') return wrong('tells of no logout (events)');
  if (!isName(jti)) return wrong('has no identifier (jti)');
  if (sub === undefined && sid === undefined)
    return wrong('names neither a person (sub) nor a session (sid)');
  if ((sub !== undefined && !isName(sub)) || (sid !== undefined && !isName(sid)))
    return wrong('names nobody (sub, sid)');
  return { state: 'right', jti, sub, sid, goodForSeconds: GOOD_FOR_SECONDS + 2 * AHEAD_SECONDS };
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH;
