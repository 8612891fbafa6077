import type { Condition } from '../../apps/queue-scheduler/src/domain/dependency.js';

/** How a job must end. */
export interface End {
  readonly state: 'completed' | 'failed' | 'cancelled';
  /** How many attempts it has had by then, but for those that were stopped for others. */
  readonly attempt: number;
}

/** What is sent to the house as one submit, and what must become of it. */
export interface Wish {
  /** Which of its users sends it. */
  readonly user: number;
  readonly path: string;
  readonly body: object;
  /** The submit whose job its own follows. */
  readonly follows?: { readonly n: number; readonly when: Condition };
  /** Its user cancels it at once: it ends so, unless it is over before. */
  readonly isCancelled: boolean;
  readonly end: End;
}

const SHORT_MS = 800;
const LONG_MS = 5_000;

/** Of the jobs of an array no more than so many at once. */
export const MAX_PARALLEL = 2;
/** Users take turns after so many submits: who follows a job must see it. */
const IN_A_ROW = 4;

const POINTS = [1, 2, 3, 4];

interface Role {
  readonly path?: string;
  readonly body?: object;
  /** So many of its first attempts fail. */
  readonly fails?: number;
  readonly follows?: readonly [back: number, when: Condition];
  /** It runs long, and may be stopped for others. */
  readonly gives?: true;
  readonly isCancelled?: true;
  readonly end?: Partial<End>;
}

/** Of twenty submits in a row these are special; the others only run. */
const ROLES: Readonly<Record<number, Role>> = {
  0: { isCancelled: true },
  2: { gives: true },
  4: {
    fails: 1,
    body: { retry: { max_attempts: 3, on: ['failed'], backoff_seconds: 1 } },
    end: { attempt: 2 },
  },
  5: { follows: [1, 'afterok'] },
  8: {
    fails: 2,
    body: { retry: { max_attempts: 2, on: ['failed'], backoff_seconds: 0 } },
    end: { state: 'failed', attempt: 2 },
  },
  9: { follows: [1, 'afternotok'] },
  10: { follows: [2, 'afterok'], end: { state: 'cancelled', attempt: 0 } },
  11: { follows: [3, 'afterany'] },
  12: { gives: true },
  14: {
    path: '/api/cloud/fake/arrays',
    body: { config: { lr: '{{lr}}' }, parameters: { lr: POINTS }, max_parallel: MAX_PARALLEL },
  },
  16: { gives: true },
  18: { path: '/api/cloud/fleet/submit' },
};

/** How many jobs come of so many submits. */
export const jobsOf = (submits: number): number =>
  submits + Math.floor((submits + 5) / 20) * (POINTS.length - 1);

/** The n-th submit: the same for the same number. */
export function wishOf(n: number, users: readonly { readonly level: string }[], marks: string): Wish {
  const {
    path = '/api/cloud/fake/submit',
    body,
    fails = 0,
    follows,
    gives = false,
    isCancelled = false,
    end,
  } = ROLES[n % 20] ?? {};
  const user = Math.floor(n / IN_A_ROW) % users.length;
  const command = ['/bin/sh', '-c', `echo "$LINECLEAR_RUN_KEY" >> ${marks}/$LINECLEAR_JOB_ID`];
  return {
    user,
    path,
    body: {
      config_name: `chaos-${n}`,
      config: path.includes('/fleet/') ? { command } : { n, fails, ms: gives ? LONG_MS : SHORT_MS },
      hardware: n % 3 === 0 ? 'gpu-h100' : 'gpu-a100',
      estimated_duration_seconds: 60,
      preemptible: gives,
      priority: users[user]!.level === 'lead' && n % 3 === 0 ? 'high' : 'normal',
      ...body,
    },
    ...(follows && { follows: { n: n - follows[0], when: follows[1] } }),
    isCancelled,
    end: { state: 'completed', attempt: 1, ...end },
  };
}

/** What the provider makes of a run: its config says how many of the first attempts fail. */
export function endOfRun(submit: { key: string; config?: unknown }): 'succeeded' | 'failed' {
  const { fails = 0 } = submit.config as { fails?: number };
  return Number(submit.key.replace(/^.*-a/, '')) <= fails ? 'failed' : 'succeeded';
}

/** How long it takes there: its config says that, too. */
export const finishOf = ({ config }: { config: unknown }): { ms: number } => ({
  ms: (config as { ms?: number }).ms ?? SHORT_MS,
});
