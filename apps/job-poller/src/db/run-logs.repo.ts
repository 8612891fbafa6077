import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';
import type { LogChunk } from '../domain/log-chunks.js';

@Injectable()
export class RunLogsRepo {
  async append(tx: Queryable, chunks: readonly (LogChunk & { runId: string })[]): Promise<void> {
    if (chunks.length === 0) return;
    await tx.query(
      `insert into run_logs (run_id, seq, text) select * from unnest($1::uuid[], $2::int[], $3::text[])`,
      [chunks.map(({ runId }) => runId), chunks.map(({ seq }) => seq), chunks.map(({ text }) => text)],
    );
  }

  /** The chunks from `seq` on, in order. */
  async read(db: Queryable, runId: string, seq: number, limit: number): Promise<LogChunk[]> {
    return db.query(`select seq, text from run_logs where run_id = $1 and seq >= $2 order by seq limit $3`, [
      runId,
      seq,
      limit,
    ]);
  }
}
