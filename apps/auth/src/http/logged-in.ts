import { clientAddress, NotAuthenticated, TooMany } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { LoggedIn } from '../credentials/let-in.js';
import type { LoginRefused } from '../credentials/log-in.js';
import { noTicket } from '../credentials/second-step.js';
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

/** Where a request comes from, for the session that it may open. */
export const arrivalOf = (request: FastifyRequest): { address: string; userAgent: string } => ({
  address: clientAddress(request),
  userAgent: request.headers['user-agent'] ?? '',
});

/** The end of every login: a cookie, or why there is none. @throws NotAuthenticated, TooMany */
export function answerLogin(
  reply: FastifyReply,
  publicUrl: string,
  outcome: LoggedIn | LoginRefused,
  wrong = 'this is not accepted',
): z.infer<typeof loggedIn> {
  switch (outcome.state) {
    case 'locked':
      throw new TooMany('too many failed logins; wait before the next try', outcome.retryAfterSeconds);
    case 'wrong':
      throw new NotAuthenticated(wrong);
    case 'wrong_factor':
      throw new NotAuthenticated('the second factor is wrong, or was used before');
    case 'no_ticket':
      throw noTicket();
    case 'in':
      setSessionCookie(reply, publicUrl, outcome.sessionToken, outcome.lifetimeSeconds);
      notToBeStored(reply);
      return { user: userView(outcome.user), csrf_token: outcome.csrfToken };
  }
}
