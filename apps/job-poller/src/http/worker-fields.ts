import { agentsConfig, fields, workerLabels } from '@lineclear/contracts';
import { z } from 'zod';
import { WORKER_STATES } from '../domain/worker.js';
import { MAX_LOG_CHARS } from '../workers/task-reports.js';
import type { GivenTask } from '../workers/give-task.js';
import type { KnownWorker } from '../workers/manage-workers.js';

const MAX_HELD = 64;
const MAX_SLOTS = 16;

export const workerId = z.uuid();
export const taskId = z.string().regex(/^lc-[0-9a-f]{32}-a\d{1,10}$/, 'is not the id of a task');
const lease = z.uuid();
const name = z.string().regex(/^[a-zA-Z0-9][\w.-]{0,79}$/, 'is not the name of a worker');
const hardwarePattern = z
  .string()
  .trim()
  .regex(/^[\w .:/+*?-]{1,80}$/, 'is not the name of hardware, with * and ?');

// What administrators say and see.
export const newWorker = z.strictObject({
  name,
  provider: fields.provider,
  /** What hardware of jobs it is good for. */
  hardware: z.array(hardwarePattern).min(1).max(50).default(['*']),
  labels: workerLabels.default({}),
});
export const removal = z.strictObject({ force: z.stringbool().default(false) });

export const workerView = z.object({
  worker_id: workerId,
  name: z.string(),
  provider: z.string(),
  state: z.enum(WORKER_STATES),
  hardware: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  slots: z.int(),
  draining: z.boolean(),
  version: z.string().nullable(),
  last_seen_at: z.string().nullable(),
  created_at: z.string(),
  /** The jobs that it has. */
  jobs: z.array(z.string()),
});
export const workerList = z.object({ workers: z.array(workerView), total: z.int() });
export const workerToken = z.object({
  worker_id: workerId,
  /** Shown this once. */
  token: z.string(),
  connection_command: z.string(),
});
export const changedWorker = z.object({ worker_id: workerId, draining: z.boolean() });
export const removedWorker = z.object({ worker_id: workerId, removed: z.literal(true) });

// What workers say and hear.
export const registration = z.strictObject({
  version: z.string().min(1).max(40),
  slots: z.int().min(1).max(MAX_SLOTS).default(1),
  labels: workerLabels.default({}),
  /** Leases of what it has from before. What it began and does not name is lost. */
  held: z.array(lease).max(MAX_HELD).default([]),
});
export const registered = z.object({
  worker_id: workerId,
  name: z.string(),
  provider: z.string(),
  heartbeat_seconds: z.number(),
  offline_seconds: z.number(),
});
export const heartbeat = z.strictObject({
  tasks: z.array(z.strictObject({ id: taskId, lease })).max(MAX_HELD),
  /** The worker takes nothing more, and ends when it has no task. What it was handed and does not name is another's. */
  draining: z.boolean().default(false),
});
export const heard = z.object({
  /** Tasks to stop, and to say how they ended. */
  stop: z.array(z.string()),
  /** Tasks that are not the worker's any more: to stop, and to say nothing of. */
  abandon: z.array(z.string()),
});
export const takeOrder = z.strictObject({
  /** Leases that the worker knows of. One that is missing was lost on the way, and comes again. */
  held: z.array(lease).max(MAX_HELD),
});
const task = z.object({
  id: z.string(),
  lease,
  job_id: z.string(),
  attempt: z.int(),
  hardware: z.string(),
  config: agentsConfig,
  env: z.array(z.object({ variable: z.string(), name: z.string(), value: z.string() })),
  files: z.array(
    z.object({ file: z.string(), variable: z.string().nullable(), name: z.string(), value: z.string() }),
  ),
  max_runtime_seconds: z.int().nullable(),
  output_path: z.string().nullable(),
  checkpoint_path: z.string().nullable(),
});
export const taken = z.object({ task: task.nullable() });
export const report = z.discriminatedUnion('state', [
  z.strictObject({ lease, state: z.literal('running') }),
  /** It certainly was not begun. */
  z.strictObject({ lease, state: z.literal('returned') }),
  z.strictObject({
    lease,
    state: z.enum(['succeeded', 'failed', 'cancelled', 'timed_out', 'lost']),
    exit_code: z.int().min(0).max(255).nullable().default(null),
    message: z.string().max(2_000).nullable().default(null),
  }),
]);
export const accepted = z.object({ accepted: z.literal(true) });
export const output = z.strictObject({
  lease,
  /** How many characters of the output were taken before. */
  at: z.int().min(0),
  text: z.string().max(MAX_LOG_CHARS),
  is_final: z.boolean().default(false),
  /** Names of secrets whose values the worker took out of the output itself. */
  hidden: z.array(z.string().max(128)).max(64).default([]),
});
export const outputTaken = z.object({
  /** How many of these characters were taken. */
  taken: z.int(),
  /** The task is to stop. */
  stop: z.boolean(),
});

export const viewOf = (worker: KnownWorker): z.infer<typeof workerView> => ({
  worker_id: worker.id,
  name: worker.name,
  provider: worker.provider,
  state: worker.state,
  hardware: [...worker.hardware],
  labels: { ...worker.ownLabels, ...worker.labels },
  slots: worker.slots,
  draining: worker.isDraining,
  version: worker.version,
  last_seen_at: worker.seenAt?.toISOString() ?? null,
  created_at: worker.createdAt.toISOString(),
  jobs: [...worker.jobs],
});

/** The one answer that has the values of a run's secrets. */
export const handed = ({ task: given, leaseId, env, files }: GivenTask): z.infer<typeof task> => ({
  id: given.runKey,
  lease: leaseId,
  job_id: given.jobId,
  attempt: given.attempt,
  hardware: given.hardware,
  config: agentsConfig.parse(given.config),
  env: [...env].map(([variable, secret]) => ({ variable, name: secret.name, value: secret.value.reveal() })),
  files: files.map(({ file, variable = null, name: secret, value }) => ({
    file,
    variable,
    name: secret,
    value: value.reveal(),
  })),
  max_runtime_seconds: given.maxRuntimeSeconds,
  output_path: given.outputPath,
  checkpoint_path: given.checkpointPath,
});
