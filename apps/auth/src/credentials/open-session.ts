import { hashToken } from '@lineclear/access';
import type { Tx } from '@lineclear/kit';
import * as sessions from '../db/sessions.repo.js';
import { after } from '../domain/session-lifetime.js';
import { csrfTokenOf, newToken } from './tokens.js';

export interface SessionRequest {
  readonly userId: number;
  readonly lifetimeSeconds: number;
  readonly now: Date;
  readonly address: string;
  readonly userAgent: string;
  readonly providerId?: string;
  readonly providerSid?: string | undefined;
}

export interface OpenedSession {
  readonly sessionToken: string;
  readonly csrfToken: string;
  readonly lifetimeSeconds: number;
}

const MAX_USER_AGENT_LENGTH = 300;

/** Opens a session for somebody who has shown who they are. */
export async function openSession(tx: Tx, request: SessionRequest): Promise<OpenedSession> {
  const { userId, lifetimeSeconds, now, address, userAgent, providerId, providerSid } = request;
  const sessionToken = newToken();
  const csrfToken = csrfTokenOf(sessionToken);
  await sessions.insert(tx, {
    userId,
    tokenSha256: hashToken(sessionToken),
    csrfSha256: hashToken(csrfToken),
    createdAt: now,
    expiresAt: after(now, lifetimeSeconds),
    address,
    userAgent: userAgent.slice(0, MAX_USER_AGENT_LENGTH),
    providerId,
    providerSid,
  });
  return { sessionToken, csrfToken, lifetimeSeconds };
}
