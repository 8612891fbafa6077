import { NotAuthenticated, TooMany } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Locked } from '../credentials/guess-gate.js';
import type { LoggedIn } from '../credentials/let-in.js';
import { givenPassword } from './fields.js';
import { notToBeStored, setSessionCookie } from './session-cookie.js';
import { userSchema, userView } from './user-view.js';

/** A login by name and password. */
export const givenLogin = z.strictObject({
  /** A username or an email address. */
  username: z.string().trim().min(1).max(254),
  password: givenPassword,
  remember_me: z.boolean().default(false),
});
export const loggedIn = z.object({ user: userSchema, csrf_token: z.string() });

/** Answers a login: a cookie for the browser, and a token for changes made with it. @throws TooMany, or NotAuthenticated */
export function letIn(
  reply: FastifyReply,
  publicUrl: string,
  outcome: LoggedIn | { readonly state: 'wrong' } | Locked,
): z.infer<typeof loggedIn> {
  if (outcome.state === 'locked')
    throw new TooMany('too many failed logins; wait before the next try', outcome.retryAfterSeconds);
  if (outcome.state === 'wrong') throw new NotAuthenticated('the username or the password is wrong');
  setSessionCookie(reply, publicUrl, outcome.sessionToken, outcome.lifetimeSeconds);
  notToBeStored(reply);
  return { user: userView(outcome.user), csrf_token: outcome.csrfToken };
}
