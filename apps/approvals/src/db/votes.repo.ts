import type { Queryable, Tx } from '@lineclear/kit';
import type { Vote } from '../domain/votes.js';
import type { ApprovalVoteRow } from './approval-vote.entity.js';

export async function insertVote(tx: Tx, vote: Vote): Promise<void> {
  await tx.query(
    `insert into approval_vote (request_id, round, stage, user_id, username, approves, notes, via, voted_at,
       in_place_of_id, in_place_of)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      vote.requestId,
      vote.round,
      vote.stage,
      vote.userId,
      vote.username,
      vote.approves,
      vote.notes,
      vote.via,
      vote.at,
      vote.inPlaceOf?.userId ?? null,
      vote.inPlaceOf?.username ?? null,
    ],
  );
}

/** What was said of these requests in all their rounds, in the order in which it was. */
export async function votesOf(db: Queryable, requestIds: readonly string[]): Promise<Vote[]> {
  if (requestIds.length === 0) return [];
  const rows = await db.query<ApprovalVoteRow>(
    'select * from approval_vote where request_id = any($1::uuid[]) order by voted_at, user_id',
    [requestIds],
  );
  return rows.map((row) => ({
    requestId: row.request_id,
    round: row.round,
    stage: row.stage,
    userId: row.user_id,
    username: row.username,
    inPlaceOf:
      row.in_place_of_id === null ? null : { userId: row.in_place_of_id, username: row.in_place_of ?? '' },
    approves: row.approves,
    notes: row.notes,
    via: row.via,
    at: row.voted_at,
  }));
}
