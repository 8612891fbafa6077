import type { FailureCause } from '@lineclear/contracts';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import type { Observation } from './adapter.js';

/** Its words for a job's state. */
export const SLURM_STATES: Readonly<Record<string, { state: RemoteState; cause?: FailureCause }>> = {
  PENDING: { state: 'submitted' },
  RUNNING: { state: 'running' },
  SUSPENDED: { state: 'running' },
  COMPLETED: { state: 'succeeded' },
  CANCELLED: { state: 'cancelled' },
  FAILED: { state: 'failed' },
  TIMEOUT: { state: 'timed_out' },
  DEADLINE: { state: 'timed_out' },
  NODE_FAIL: { state: 'failed', cause: 'infrastructure' },
  BOOT_FAIL: { state: 'failed', cause: 'infrastructure' },
  PREEMPTED: { state: 'failed', cause: 'preempted' },
  OUT_OF_MEMORY: { state: 'failed', cause: 'oom' },
};

/** Words that stand beside a state and say that it is not quite that yet. */
export const SLURM_FLAGS: Readonly<Record<string, RemoteState>> = {
  CONFIGURING: 'starting',
  POWER_UP_NODE: 'starting',
  COMPLETING: 'running',
  STAGE_OUT: 'running',
};

/** Versions differ in whether a number is one, or says of itself whether it is set. */
const number = z.union([
  z.number(),
  z.looseObject({
    set: z.boolean().optional(),
    infinite: z.boolean().optional(),
    number: z.number().optional(),
  }),
]);
const words = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const exitCode = z.union([number, z.looseObject({ return_code: number.optional() })]);

/** As the controller tells of it. */
export const job = z.looseObject({
  job_id: z.int().min(1),
  name: z.string().nullish(),
  user_name: z.string().nullish(),
  job_state: words,
  state_reason: z.string().nullish(),
  exit_code: exitCode.nullish(),
  submit_time: number.nullish(),
  end_time: number.nullish(),
});
export type SlurmJob = z.infer<typeof job>;

/** As slurmdbd tells of it. */
export const pastJob = z
  .looseObject({
    job_id: z.int().min(1),
    name: z.string().nullish(),
    state: z.looseObject({ current: words, reason: z.string().nullish() }),
    exit_code: exitCode.nullish(),
    time: z.looseObject({ submission: number.nullish(), end: number.nullish() }).nullish(),
  })
  .transform(({ job_id, name, state, exit_code, time }): SlurmJob => ({
    job_id,
    name,
    job_state: state.current,
    state_reason: state.reason,
    exit_code,
    submit_time: time?.submission,
    end_time: time?.end,
  }));

/** The errors that an answer tells of, whatever its status is. */
const told = z.looseObject({
  errors: z
    .array(
      z.looseObject({
        error_number: z.int().nullish(),
        error: z.string().nullish(),
        description: z.string().nullish(),
      }),
    )
    .nullish(),
});

/** The numbers of the errors in an answer; none where it is not of Slurm. */
export function errorsIn(text: string): number[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return [];
  }
  const errors = told.safeParse(given).data?.errors ?? [];
  return errors.map(({ error_number }) => error_number ?? -1).filter((one) => one !== 0);
}

export function observationOf({ job_state, state_reason, exit_code, end_time }: SlurmJob): Observation {
  const word = job_state.join('+').slice(0, 60);
  const flag = job_state.find((one) => Object.hasOwn(SLURM_FLAGS, one));
  const base = job_state.find((one) => Object.hasOwn(SLURM_STATES, one));
  if (base !== undefined && flag !== undefined) return { word, state: SLURM_FLAGS[flag] };
  const meaning = base === undefined ? undefined : SLURM_STATES[base];
  if (meaning === undefined || ['submitted', 'running'].includes(meaning.state))
    return { word, state: meaning?.state };
  const code = codeOf(exit_code);
  const endedAt = timeOf(end_time);
  return {
    ...meaning,
    word,
    ...(state_reason == null || state_reason === 'None' ? {} : { message: state_reason }),
    ...(code === undefined ? {} : { exitCode: code }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

export function numberOf(given: z.infer<typeof number> | null | undefined): number | undefined {
  if (typeof given === 'number' || given == null) return given ?? undefined;
  return given.set === false || given.infinite === true ? undefined : given.number;
}

export function timeOf(given: z.infer<typeof number> | null | undefined): Date | undefined {
  const seconds = numberOf(given);
  return seconds === undefined || seconds <= 0 ? undefined : new Date(seconds * 1_000);
}

function codeOf(given: z.infer<typeof exitCode> | null | undefined): number | undefined {
  const code =
    typeof given === 'object' && given !== null && 'return_code' in given ? given.return_code : given;
  return numberOf(code as z.infer<typeof number> | null | undefined);
}
