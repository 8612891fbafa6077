import type { FailureCause } from '@lineclear/contracts';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import type { Observation } from './adapter.js';
import { CONTAINER, RUN_KEY_LABEL } from './kubernetes-manifest.js';

interface Meaning {
  readonly state: RemoteState;
  readonly cause?: FailureCause;
}

/** Why a Job failed, in the reason of its condition. Any other reason is a failure, too. */
export const JOB_FAILURES: Readonly<Record<string, Meaning>> = {
  BackoffLimitExceeded: { state: 'failed' },
  PodFailurePolicy: { state: 'failed' },
  DeadlineExceeded: { state: 'timed_out' },
};

/** Why a pod ended, in the reason of its status: it says more than its Job, which only counts. */
export const POD_FAILURES: Readonly<Record<string, Meaning>> = {
  DeadlineExceeded: { state: 'timed_out' },
  Evicted: { state: 'failed', cause: 'infrastructure' },
  NodeLost: { state: 'failed', cause: 'infrastructure' },
  Shutdown: { state: 'failed', cause: 'infrastructure' },
  Terminated: { state: 'failed', cause: 'infrastructure' },
  UnexpectedAdmissionError: { state: 'failed', cause: 'infrastructure' },
  OutOfcpu: { state: 'failed', cause: 'no_capacity' },
  OutOfmemory: { state: 'failed', cause: 'no_capacity' },
  Preempting: { state: 'failed', cause: 'preempted' },
};

/** Who took a pod away, in the reason of its condition DisruptionTarget. */
export const DISRUPTIONS: Readonly<Record<string, FailureCause>> = {
  PreemptionByScheduler: 'preempted',
  PreemptionByKubeScheduler: 'preempted',
  DeletionByTaintManager: 'infrastructure',
  EvictionByEvictionAPI: 'infrastructure',
  DeletionByPodGC: 'infrastructure',
  TerminationByKubelet: 'infrastructure',
};

const condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  lastTransitionTime: z.string().nullish(),
});
const metadata = z.looseObject({
  name: z.string().min(1).max(253),
  uid: z.string().min(1).max(100),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
});

export const job = z.looseObject({
  metadata,
  spec: z.looseObject({ suspend: z.boolean().nullish() }).nullish(),
  status: z
    .looseObject({
      conditions: z.array(condition).nullish(),
      completionTime: z.string().nullish(),
      active: z.int().nullish(),
    })
    .nullish(),
});
export type Job = z.infer<typeof job>;

const terminated = z.looseObject({
  exitCode: z.int(),
  reason: z.string().nullish(),
  finishedAt: z.string().nullish(),
});
export const pod = z.looseObject({
  metadata,
  status: z
    .looseObject({
      phase: z.string().nullish(),
      reason: z.string().nullish(),
      message: z.string().nullish(),
      conditions: z.array(condition).nullish(),
      containerStatuses: z
        .array(
          z.looseObject({
            name: z.string(),
            state: z.looseObject({ terminated: terminated.nullish() }).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});
export type Pod = z.infer<typeof pod>;

/** A page of a list, and where the next begins. */
export const pageOf = <Item>(item: z.ZodType<Item>) =>
  z.looseObject({
    metadata: z.looseObject({ continue: z.string().nullish() }).nullish(),
    items: z.array(item),
  });

export const keyOf = ({ metadata: { labels } }: Job | Pod): string | undefined => labels?.[RUN_KEY_LABEL];

/** The newest of a run's pods: one that a node took down with it may have been replaced. */
export const newest = (pods: readonly Pod[]): Pod | undefined =>
  pods.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))).at(-1);
const timeOf = ({ metadata }: Pod): string => metadata.creationTimestamp ?? '';

/** What a Job and its pod say of a run. Conditions that are not known say nothing: that is how Kubernetes means them. */
export function observationOf(
  { metadata: { deletionTimestamp }, spec, status }: Job,
  its: Pod | undefined,
): Observation {
  const is = (type: string): z.infer<typeof condition> | undefined =>
    (status?.conditions ?? []).find((one) => one.type === type && one.status === 'True');
  const complete = is('Complete');
  const failed = is('Failed');
  if (complete)
    return {
      state: 'succeeded',
      word: 'Complete',
      exitCode: 0,
      ...timed(status?.completionTime ?? complete.lastTransitionTime),
    };
  if (failed) return failureOf(failed, its);
  // Somebody deletes it, and nothing of it runs any more.
  if (deletionTimestamp != null && !ALIVE.includes(its?.status?.phase))
    return { state: 'cancelled', word: 'Deleted' };
  if (is('Suspended') || spec?.suspend === true) return { state: 'submitted', word: 'Suspended' };
  const phase = its?.status?.phase ?? 'no pod';
  return { state: lookedUp(PHASES, phase), word: phase.slice(0, 60) };
}

/** A pod's phase while its Job goes on. At its end the Job follows soon: until then it runs. */
export const PHASES: Readonly<Record<string, RemoteState>> = {
  'no pod': 'submitted',
  Pending: 'starting',
  Running: 'running',
  Succeeded: 'running',
  Failed: 'running',
  // Its node does not answer.
  Unknown: 'running',
};
const ALIVE: readonly unknown[] = ['Pending', 'Running', 'Unknown'];

function failureOf(failed: z.infer<typeof condition>, its: Pod | undefined): Observation {
  const word = failed.reason ?? 'Failed';
  const end = its?.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated;
  const said = its?.status?.message ?? failed.message;
  return {
    ...meaningOf(word, its, end?.reason),
    word: word.slice(0, 60),
    message: [end?.reason, said].filter(Boolean).join(': ') || word,
    ...(end == null ? {} : { exitCode: end.exitCode }),
    ...timed(end?.finishedAt ?? failed.lastTransitionTime),
  };
}

function meaningOf(word: string, its: Pod | undefined, ended: string | null | undefined): Meaning {
  const disruption = its?.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  )?.reason;
  if (ended === 'OOMKilled') return { state: 'failed', cause: 'oom' };
  const cause = lookedUp(DISRUPTIONS, disruption);
  const ofPod = lookedUp(POD_FAILURES, its?.status?.reason);
  if (ofPod?.state === 'timed_out') return ofPod;
  if (cause) return { state: 'failed', cause };
  return ofPod ?? lookedUp(JOB_FAILURES, word) ?? { state: 'failed' };
}

const lookedUp = <T>(table: Readonly<Record<string, T>>, word: string | null | undefined): T | undefined =>
  word != null && Object.hasOwn(table, word) ? table[word] : undefined;

function timed(at: string | null | undefined): { endedAt?: Date } {
  const time = new Date(at ?? '');
  return Number.isNaN(time.getTime()) ? {} : { endedAt: time };
}
