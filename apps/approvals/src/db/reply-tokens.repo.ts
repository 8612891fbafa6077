import type { Queryable, Tx } from '@lineclear/kit';
import type { ApprovalRequest } from '../domain/approval-request.js';
import type { MailToken, TokenKind } from '../domain/judge-asked.js';
import type { ReplyTokenRow } from './reply-token.entity.js';
import { findRequest } from './requests.repo.js';

/**
 * Keeps a token for as long as its request may wait, at most until `latest`; false when it does not wait any more, or for
 * another stage or round than its mail asks about.
 */
export async function keepToken(
  db: Queryable,
  token: {
    sha256: string;
    kind: TokenKind;
    requestId: string;
    userId: number;
    stage: number | undefined;
    round: number | undefined;
  },
  latest: Date,
  now: Date,
): Promise<boolean> {
  const rows = await db.query(
    `insert into reply_token (token_sha256, kind, request_id, user_id, stage, round, created_at, expires_at)
     select $1, $6, id, $3, stage, round, $5, least(expires_at, $4) from approval_request
     where id = $2 and status = 'pending' and expires_at > $5
       and stage = coalesce($7::int - 1, stage) and round = coalesce($8::int, round)
     returning token_sha256`,
    [
      token.sha256,
      token.requestId,
      token.userId,
      latest,
      now,
      token.kind,
      token.stage ?? null,
      token.round ?? null,
    ],
  );
  return rows.length > 0;
}

/** Whom a mail was for, and what it was about: neither ever changes. */
export async function ownerOfToken(
  db: Queryable,
  sha256: string,
  kind: TokenKind,
): Promise<{ userId: number; requestId: string } | undefined> {
  const [row] = await db.query<Pick<ReplyTokenRow, 'user_id' | 'request_id'>>(
    'select user_id, request_id from reply_token where token_sha256 = $1 and kind = $2',
    [sha256, kind],
  );
  return row && { userId: row.user_id, requestId: row.request_id };
}

/** Whom a mail was for, and what it was about. */
export async function requestOfToken(
  db: Queryable,
  sha256: string,
): Promise<{ userId: number; request: ApprovalRequest } | undefined> {
  const [row] = await db.query<Pick<ReplyTokenRow, 'user_id' | 'request_id'>>(
    'select user_id, request_id from reply_token where token_sha256 = $1',
    [sha256],
  );
  const request = row && (await findRequest(db, row.request_id));
  return request && { userId: row.user_id, request };
}

/** The token, which nobody else spends until the transaction ends. */
export async function lockToken(tx: Tx, sha256: string): Promise<MailToken | undefined> {
  const [row] = await tx.query<ReplyTokenRow>(
    'select * from reply_token where token_sha256 = $1 for no key update',
    [sha256],
  );
  return (
    row && {
      requestId: row.request_id,
      userId: row.user_id,
      asked: { stage: row.stage + 1, round: row.round },
      expiresAt: row.expires_at,
      spentAt: row.spent_at,
    }
  );
}

/** What the page gets to decide by, until `until`; what it got before is worth nothing any more. */
export async function setNonce(tx: Tx, sha256: string, nonceSha256: string, until: Date): Promise<void> {
  await tx.query('update reply_token set nonce_sha256 = $2, nonce_until = $3 where token_sha256 = $1', [
    sha256,
    nonceSha256,
    until,
  ]);
}

export async function hasNonce(tx: Tx, sha256: string, nonceSha256: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'select from reply_token where token_sha256 = $1 and nonce_sha256 = $2 and nonce_until > $3',
    [sha256, nonceSha256, now],
  );
  return rows.length > 0;
}

/** False when it was spent before. */
export async function spendToken(tx: Tx, sha256: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    'update reply_token set spent_at = $2 where token_sha256 = $1 and spent_at is null returning token_sha256',
    [sha256, now],
  );
  return rows.length > 0;
}

/** Forgets tokens that ended before `before`: an answer that is so late is nobody's. */
export async function forgetTokens(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from reply_token where expires_at < $1', [before]);
}
