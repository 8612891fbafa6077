import type { EventData, secretLeakDetected } from '@lineclear/contracts';
import type { Hit, Leak, Run } from './run.js';

/** The run with what leaked noted: of each secret the first time alone. */
export function withLeaks(run: Run, hits: readonly Hit[], where: Leak['where']): Run {
  const known = new Set(run.leaked?.map(({ name }) => name));
  const added: Leak[] = [];
  for (const { name, form } of hits) {
    if (known.has(name)) continue;
    known.add(name);
    added.push({ name, form, where });
  }
  return added.length === 0 ? run : { ...run, leaked: [...(run.leaked ?? []), ...added] };
}

/** What `secret.leak_detected` says of the leaks that `run` has and `before` had not. */
export function leaksData(before: Run, run: Run): EventData<typeof secretLeakDetected>[] {
  const told = before.leaked?.length ?? 0;
  return (run.leaked ?? []).slice(told).map(({ name, where, form }) => ({
    job_id: run.jobId,
    attempt: run.attempt,
    user_id: run.userId,
    name,
    where,
    form,
  }));
}
