/**
 * `waiting`: nobody has it. `taken`: it was handed to a worker that has not said yet that it begins, so that nothing runs
 * certainly. `running`: the worker said so, and has it until it says how it ended. The others are ends.
 */
export const TASK_STATES = [
  'waiting',
  'taken',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'lost',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** A run that waits for a worker, or is with one. */
export interface WorkerTask {
  readonly runKey: string;
  readonly provider: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly hardware: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  readonly checkpointPath: string | null;
  readonly state: TaskState;
  readonly workerId: string | null;
  /** Which handing out of it counts: a new one each time. */
  readonly leaseId: string | null;
  /** How often it was handed out. */
  readonly tries: number;
  readonly stopAskedAt: Date | null;
  readonly exitCode: number | null;
  readonly message: string | null;
  readonly endedAt: Date | null;
}

/** How often a task is handed out that no worker begins. */
export const MAX_TRIES = 3;

/** What a worker that shows a task's lease is told. */
export type Verdict = 'goes on' | 'stop' | 'is not yours';

/** Whether the worker with this lease still has the task, and whether it is to stop it. */
export function verdictOn(
  task: Pick<WorkerTask, 'state' | 'leaseId' | 'stopAskedAt'> | undefined,
  leaseId: string,
): Verdict {
  if (!task || task.leaseId !== leaseId || !isHeld(task.state)) return 'is not yours';
  return task.stopAskedAt === null ? 'goes on' : 'stop';
}

export const isHeld = (state: TaskState): boolean => state === 'taken' || state === 'running';
