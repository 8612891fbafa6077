import type { Database } from '@lineclear/kit';
import type { RunLogsRepo } from '../db/run-logs.repo.js';
import type { Run } from '../domain/run.js';

export interface LogPart {
  readonly text: string;
  readonly cursor: string;
  readonly isFinal: boolean;
  readonly truncated: boolean;
}

/** A cursor is `<attempt>.<piece>`: it goes on in the attempt that it began in. */
export function parseCursor(cursor: string | undefined): { attempt: number | undefined; seq: number } {
  const [attempt, seq] = (cursor ?? '').split('.');
  return cursor === undefined
    ? { attempt: undefined, seq: 0 }
    : { attempt: Number(attempt), seq: Number(seq) };
}

/** Reads on from a piece. `run` was read before the pieces, so that "ended" means that all of them were there. */
export async function readPart(
  database: Database,
  logs: RunLogsRepo,
  run: Run,
  seq: number,
  limit: number,
): Promise<LogPart> {
  const chunks = await logs.read(database, run.id, seq, limit);
  const next = (chunks.at(-1)?.seq ?? seq - 1) + 1;
  return {
    text: chunks.map((chunk) => chunk.text).join(''),
    cursor: `${run.attempt}.${next}`,
    isFinal: run.state === 'ended' && next >= run.logSeq,
    truncated: run.logTruncated,
  };
}
