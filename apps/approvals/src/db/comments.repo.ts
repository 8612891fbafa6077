import type { Queryable, Tx } from '@lineclear/kit';
import type { Comment, CommentKind } from '../domain/comment.js';
import type { ApprovalCommentRow } from './approval-comment.entity.js';

export async function insertComment(tx: Tx, comment: Comment): Promise<void> {
  await tx.query(
    `insert into approval_comment (id, request_id, round, kind, user_id, username, text, written_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      comment.id,
      comment.requestId,
      comment.round,
      comment.kind,
      comment.userId,
      comment.username,
      comment.text,
      comment.at,
    ],
  );
}

/** Those that people just wrote; what belongs to a decision is not counted. */
export async function countComments(db: Queryable, requestId: string): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'select count(*) as count from approval_comment where request_id = $1 and kind = $2',
    [requestId, 'comment' satisfies CommentKind],
  );
  return row?.count ?? 0;
}

/** In the order in which they were written. */
export async function commentsOf(db: Queryable, requestId: string): Promise<Comment[]> {
  const rows = await db.query<ApprovalCommentRow>(
    'select * from approval_comment where request_id = $1 order by id',
    [requestId],
  );
  return rows.map((row) => ({
    id: row.id,
    requestId: row.request_id,
    round: row.round,
    kind: row.kind,
    userId: row.user_id,
    username: row.username,
    text: row.text,
    at: row.written_at,
  }));
}
