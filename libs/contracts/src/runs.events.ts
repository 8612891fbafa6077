import { z } from 'zod';
import { defineEvent } from './event.js';
import { costUsd, instant, jobId, provider, reason, secretName, userId } from './fields.js';

const aboutRun = { job_id: jobId, attempt: z.int().min(1), claim_id: z.uuid(), provider };

/** The provider accepted the run. */
export const runStarted = defineEvent(
  'run.started',
  z.object({ ...aboutRun, external_id: z.string().max(200), started_at: instant }),
);

/** What the last look at the run showed; published when it changed. */
export const runObserved = defineEvent(
  'run.observed',
  z.object({
    ...aboutRun,
    remote_state: z.string().max(60),
    stage: z.string().max(60).optional(),
    step: z.int().min(0).optional(),
    epoch: z.number().min(0).optional(),
    /** 0 to 1. */
    progress: z.number().min(0).max(1).optional(),
    metrics: z.record(z.string().max(60), z.number()).optional(),
    observed_at: instant,
  }),
);

export const RUN_OUTCOMES = ['succeeded', 'failed', 'cancelled', 'timed_out', 'lost', 'refused'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** Why a run failed, where the provider says so: what may be tried again differs by it. */
export const FAILURE_CAUSES = ['oom', 'no_capacity', 'preempted', 'infrastructure'] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

/** The run is over, for whatever reason; `refused` means that the provider never ran it. */
export const runEnded = defineEvent(
  'run.ended',
  z.object({
    ...aboutRun,
    outcome: z.enum(RUN_OUTCOMES),
    /** Of one that failed. */
    cause: z.enum(FAILURE_CAUSES).optional(),
    exit_code: z.int().optional(),
    message: reason.optional(),
    /** Later than `run.started` said where the run waited at its provider. What it costs counts from here. */
    started_at: instant.optional(),
    ended_at: instant,
    /** What the provider itself says it costs, where it does. */
    cost_usd: costUsd.optional(),
  }),
);

export const providerError = defineEvent(
  'system.provider_error',
  z.object({ provider, job_id: jobId.optional(), message: reason }),
);

/** Nobody calls the provider for now but to see whether it is back: for a while no call to it was answered. Its runs keep their states. */
export const providerDegraded = defineEvent(
  'system.provider_degraded',
  z.object({ provider, since: instant, message: reason }),
);

/** The provider answers again, and what waited for it goes on. */
export const providerRestored = defineEvent(
  'system.provider_restored',
  z.object({ provider, since: instant, restored_at: instant }),
);

const LEAK_FORMS = ['raw', 'json', 'url', 'base64', 'hex'] as const;

/** A run wrote a secret into its log, or its provider into a message: once per run and secret. What was written was taken out, and is not in here. */
export const secretLeakDetected = defineEvent(
  'secret.leak_detected',
  z.object({
    job_id: jobId,
    attempt: z.int().min(1),
    user_id: userId,
    name: secretName,
    where: z.enum(['log', 'message']),
    form: z.enum(LEAK_FORMS),
  }),
);
