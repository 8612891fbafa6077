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
import { StoreSubmits } from '../line/store-submits.js';
import { newJob, type Keyed, type Outcome, type Submission } from '../line/submission.js';
import type { SubmitBody } from './submit-body.js';
import { teamOf, wanted } from './wanted.js';

export type Stored = Extract<Outcome, { kind: 'accepted' | 'repeated' }>;

/** What every way of submitting has in common: the checks before, and what becomes of outcomes. */
@Injectable()
export class Submits {
  constructor(
    private readonly providers: Providers,
    private readonly store: StoreSubmits,
    private readonly refusedLeaks: RefusedLeaks,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The submission, checked. @throws NotAllowed, NotFound or BadInput, naming the field, where no such job may come in now */
  async prepare(
    providerName: string,
    body: SubmitBody,
    by: Principal,
    keyed: Keyed | undefined,
  ): Promise<Submission> {
    const provider = await this.providers.get(providerName);
    if (body.priority === 'high' && !can(by, 'job.priority.high'))
      throw new NotAllowed('high priority needs the permission job.priority.high');
    const { bypass_approval: bypass, team } = body;
    if (bypass && !can(by, 'job.bypass.approval'))
      throw new NotAllowed('passing an approval needs the permission job.bypass.approval');
    const asked = wanted(body, provider, teamOf(by, team));
    const refusal = refusalOf(by, asked) ?? (await this.#cannotFollow(asked.dependsOn, by));
    if (refusal) throw refusal;
    const job = newJob(asked, by, this.clock.now(), currentTraceparent());
    return {
      job,
      teamIds: (by.teams ?? []).map(({ id }) => id),
      ...(bypass && { bypass }),
      entry: submitted(job),
      key: keyed?.key,
      requestSha256: keyed?.requestSha256,
    };
  }

  /**
   * What came later takes no answer back: the jobs that came in with these requests are told of again, and nothing is stored.
   * @throws the refusal where one of them did not come in
   */
  async repeated(requests: readonly (Keyed | undefined)[], refusal: unknown): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const request of requests) {
      const outcome = request && (await this.store.known(request));
      if (!outcome) throw refusal;
      outcomes.push(outcome);
    }
    return outcomes;
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

/** A request as it is known by, under a key of its sender's; undefined where it has none. */
export const keyedOf = (
  by: Principal,
  provider: string,
  body: SubmitBody,
  key: string | undefined,
): Keyed | undefined =>
  key === undefined
    ? undefined
    : {
        userId: by.user_id,
        key,
        requestSha256: requestHash({ provider, ...body, idempotency_key: undefined }),
      };

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
