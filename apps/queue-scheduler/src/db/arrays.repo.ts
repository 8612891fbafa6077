import type { Reach } from '@lineclear/access';
import type { JobState } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';

export interface ArrayTask {
  readonly jobId: string;
  readonly index: number;
  readonly userId: number;
  readonly orgId: number | null;
  readonly state: JobState;
  readonly configName: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly costUsd: number | null;
  readonly estimatedCostUsd: number;
}

/** The tasks of an array that whoever asks may see, in their order. */
export async function tasks(db: Queryable, arrayId: string, { userId, orgId }: Reach): Promise<ArrayTask[]> {
  return db.query<ArrayTask>(
    `select id as "jobId", array_index as index, user_id as "userId", org_id as "orgId", state, config_name as "configName",
       parameters, cost_usd as "costUsd", estimated_cost_usd as "estimatedCostUsd"
     from jobs where array_id = $1 and ($2::int4 is null or user_id = $2) and ($3::boolean or org_id is not distinct from $4::int4)
     order by array_index`,
    [arrayId, userId ?? null, orgId === undefined, orgId ?? null],
  );
}
