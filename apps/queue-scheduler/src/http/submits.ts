import { Injectable } from '@nestjs/common';
import { audited, can, canFor } from '@lineclear/access';
import { isFinal, namesOfSecrets, type Principal } from '@lineclear/contracts';
import {
  BadInput,
  Clock,
  currentTraceparent,
  Database,
  NotAllowed,
  Unavailable,
  Unprocessable,
} from '@lineclear/kit';
import * as jobs from '../db/jobs.repo.js';
import { isMet, type Dependency } from '../domain/dependency.js';
import { requestHash } from '../domain/request-hash.js';
import type { Job } from '../domain/job.js';
import { refusalOf } from '../line/judge-resources.js';
import { overLimit } from '../line/over-limit.js';
import { Providers } from '../line/providers.js';
import { RefusedLeaks } from '../line/refused-leaks.js';
import { newJob, type Outcome, type Submission } from '../line/submission.js';
import type { SubmitBody } from './submit-body.js';
import { teamOf, wanted } from './wanted.js';

export type Stored = Extract<Outcome, { kind: 'accepted' | 'repeated' }>;

/**
 * A submission that is checked; `refusal` is there where no such job may come in now, by the rules of its submitter or for what
 * it is to follow. One that came in before, with the same key, is told of again all the same.
 */
export interface Prepared {
  readonly submission: Submission;
  readonly refusal: NotAllowed | BadInput | undefined;
}

/** What every way of submitting has in common: the checks before, and what becomes of outcomes. */
@Injectable()
export class Submits {
  constructor(
    private readonly providers: Providers,
    private readonly refusedLeaks: RefusedLeaks,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @throws NotAllowed, NotFound or BadInput, naming the field */
  async prepare(
    providerName: string,
    body: SubmitBody,
    by: Principal,
    idempotencyKey?: string,
  ): Promise<Prepared> {
    const provider = await this.providers.get(providerName);
    if (body.priority === 'high' && !can(by, 'job.priority.high'))
      throw new NotAllowed('high priority needs the permission job.priority.high');
    const { bypass_approval: bypass, team } = body;
    if (bypass && !can(by, 'job.bypass.approval'))
      throw new NotAllowed('passing an approval needs the permission job.bypass.approval');
    const asked = wanted(body, provider, teamOf(by, team));
    const job = newJob(asked, by, this.clock.now(), currentTraceparent());
    return {
      refusal: refusalOf(by, asked) ?? (await this.#cannotFollow(asked.dependsOn, by)),
      submission: {
        job,
        teamIds: (by.teams ?? []).map(({ id }) => id),
        ...(bypass && { bypass }),
        entry: submitted(job),
        ...(idempotencyKey === undefined
          ? {}
          : {
              key: idempotencyKey,
              requestSha256: requestHash({ provider: providerName, ...body, idempotency_key: undefined }),
            }),
      },
    };
  }

  /** What was stored. @throws what the caller is told where nothing was */
  async stored(outcome: Outcome, providerName: string): Promise<Stored> {
    switch (outcome.kind) {
      case 'accepted':
      case 'repeated':
        return outcome;
      case 'key_taken':
        throw new Unprocessable('this idempotency key was used for another request', [
          { path: 'idempotency_key', message: 'belongs to another request' },
        ]);
      case 'over_limit':
        throw overLimit(outcome, this.clock.now());
      case 'not_scanned':
        throw new Unavailable('whether the job holds a secret cannot be said right now; nothing was stored');
      case 'leaks':
        throw await this.refusedLeaks.of(outcome.found, providerName);
    }
  }

  /** Why it cannot follow these: one that the caller does not see, or that did not end so that it could go on. */
  async #cannotFollow(dependsOn: readonly Dependency[], by: Principal): Promise<BadInput | undefined> {
    if (dependsOn.length === 0) return undefined;
    const found = await jobs.find(
      this.database,
      dependsOn.map(({ job_id }) => job_id),
    );
    const known = new Map(found.map((job) => [job.id, job]));
    for (const [index, { job_id: id, when }] of dependsOn.entries()) {
      const job = known.get(id);
      if (!job || !canFor(by, 'job.view', job))
        return BadInput.at(`depends_on.${index}.job_id`, 'is no job that you see');
      const { state } = job;
      if (isFinal(state) && !isMet(when, state))
        return BadInput.at(`depends_on.${index}`, `can never be: the job is ${state}`);
    }
    return undefined;
  }
}

const NOT_EVALUATED =
  'approvals does not answer right now: the job waits until its rules have been looked at';

/** What there is to say of a job that was stored. */
export const warningsOf = (outcome: Stored): string[] => [
  ...(outcome.kind === 'accepted' ? outcome.warnings : []),
  ...(isUnevaluated(outcome.job) ? [NOT_EVALUATED] : []),
];
const isUnevaluated = ({ state, facts }: Job): boolean =>
  state === 'awaiting_evaluation' && !facts.over_quota;

const submitted = (job: Submission['job']): Submission['entry'] =>
  audited('job.submitted', {
    target: `job/${job.id}`,
    details: {
      provider: job.provider,
      config_name: job.configName,
      hardware: job.hardware,
      estimated_cost_usd: job.estimatedCostUsd,
      secrets: namesOfSecrets(job.secrets),
    },
  });
