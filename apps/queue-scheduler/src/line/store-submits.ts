import { Inject, Injectable } from '@nestjs/common';
import type { SecretDemand } from '@lineclear/contracts';
import { Clock, CONFIG, Database } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as jobs from '../db/jobs.repo.js';
import * as submissions from '../db/submissions.repo.js';
import { entering } from '../domain/entering.js';
import type { Job } from '../domain/job.js';
import { mostAttempts, mostItMayCost } from '../domain/retry.js';
import { Evaluation } from './evaluation.js';
import { LeakScan } from './leak-scan.js';
import { KeysTaken, Moves } from './moves.js';
import { SecretDemands } from './secret-demands.js';
import type { Keyed, Entering, Outcome, Submission } from './submission.js';

const NOT_SCANNED =
  'the secrets service does not answer right now: nobody looked whether the job holds a secret';
const DEMANDS_UNKNOWN =
  'the secrets service does not answer right now: should a secret of this job need an approval, the job fails, and is to be submitted again';

/** Stores a batch of submits: counted, evaluated, then written with everything that follows in one transaction. */
@Injectable()
export class StoreSubmits {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly evaluation: Evaluation,
    private readonly scan: LeakScan,
    private readonly demands: SecretDemands,
    private readonly moves: Moves,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** What was stored under the request's key before; undefined when nothing was. */
  async known(request: Keyed): Promise<Outcome | undefined> {
    const key = await submissions.keyOf(this.database, request.userId, request.key);
    return key && this.#repeated(request, key);
  }

  /**
   * One outcome per submission, in the same order. No key may be in the batch twice. Where `all` of them are wanted or none,
   * nothing is stored if any is refused.
   */
  async store(batch: readonly Submission[], { all = false } = {}): Promise<Outcome[]> {
    const now = this.clock.now();
    const { known, before } = await submissions.count(
      this.database,
      batch.map(({ job, key }) => ({ userId: job.userId, key })),
      now,
    );
    const outcomes = new Map<Submission, Outcome>();
    for (const { index, ...found } of known)
      outcomes.set(batch[index]!, await this.#repeated(batch[index]!, found));

    const unknown = batch.filter((submission) => !outcomes.has(submission));
    const [unscanned, demands] = await Promise.all([
      this.#withoutLeaks(unknown, outcomes),
      this.#demandsOf(unknown),
    ]);
    if (all && [...outcomes.values()].some(isRefusal))
      return batch.flatMap((submission) => outcomes.get(submission) ?? []);
    const fresh = unknown.filter((submission) => !outcomes.has(submission));
    if (fresh.length > 0) {
      const whole = withFacts(fresh, before, demands);
      const verdicts = await this.evaluation.of(whole.map(({ facts }) => facts));
      const entered = whole.map((job, index): Entering => ({
        ...fresh[index]!,
        job: entering(job, verdicts.get(job.id), now, this.moves.leases),
      }));
      const added = await this.#add(entered, all);
      for (const [index, { job, key }] of entered.entries()) {
        const submission = fresh[index]!;
        outcomes.set(
          submission,
          added.get(job.id) ??
            (await this.#repeated(submission, await submissions.keyOf(this.database, job.userId, key ?? ''))),
        );
      }
    }
    return batch.map((submission) => {
      const outcome = outcomes.get(submission)!;
      if (outcome.kind !== 'accepted') return outcome;
      const warnings = [
        ...(unscanned.has(submission) ? [NOT_SCANNED] : []),
        ...(demands.get(submission) === undefined ? [DEMANDS_UNKNOWN] : []),
      ];
      return { ...outcome, warnings: [...outcome.warnings, ...warnings] };
    });
  }

  /** Gives those that hold a secret their outcome; those are left that go on although nobody could say. */
  async #withoutLeaks(
    batch: readonly Submission[],
    outcomes: Map<Submission, Outcome>,
  ): Promise<ReadonlySet<Submission>> {
    const unscanned = new Set<Submission>();
    if (batch.length === 0) return unscanned;
    const scanned = await this.scan.of(batch);
    for (const [index, result] of scanned.entries()) {
      const goesOn = result.kind === 'not_scanned' && this.config.LINECLEAR_SCAN_WHEN_AWAY === 'accept';
      if (goesOn) unscanned.add(batch[index]!);
      else if (result.kind !== 'clean') outcomes.set(batch[index]!, result);
    }
    return unscanned;
  }

  /** Which secrets of each take an approval; undefined where nobody could say. */
  async #demandsOf(batch: readonly Submission[]): Promise<Demands> {
    const found = await this.demands.of(batch);
    return new Map(batch.map((submission, index) => [submission, found[index]]));
  }

  /** What became of each, by its id; those whose keys were not free any more are left out. */
  async #add(entered: readonly Entering[], all: boolean): Promise<ReadonlyMap<string, Outcome>> {
    if (entered.length === 0) return new Map();
    try {
      return await this.database.tx(async (tx) => {
        const added = await this.moves.add(tx, entered);
        if (all && [...added.values()].some(isRefusal)) throw new SomeRefused(added);
        return added;
      });
    } catch (error) {
      if (error instanceof SomeRefused) return error.outcomes;
      if (!(error instanceof KeysTaken)) throw error;
      return this.#add(
        entered.filter(({ job }) => !error.jobIds.has(job.id)),
        all,
      );
    }
  }

  async #repeated(
    { requestSha256 }: Pick<Submission, 'requestSha256'>,
    known: submissions.KnownKey | undefined,
  ): Promise<Outcome> {
    const [job] = known === undefined ? [] : await jobs.find(this.database, [known.job_id]);
    if (!known || !job) throw new Error('the job of an idempotency key is not there');
    return known.request_sha256 === requestSha256 ? { kind: 'repeated', job } : { kind: 'key_taken' };
  }
}

const isRefusal = ({ kind }: Outcome): boolean => kind !== 'accepted' && kind !== 'repeated';

/** Rolls back what was stored of a batch of which all were wanted. */
class SomeRefused extends Error {
  override readonly name = 'SomeRefused';

  constructor(readonly outcomes: ReadonlyMap<string, Outcome>) {
    super('some of the jobs are refused');
  }
}

type Demands = ReadonlyMap<Submission, readonly SecretDemand[] | undefined>;

/** What the rules look at; jobs of one user in the same batch count as submitted one after the other. */
function withFacts(
  batch: readonly Submission[],
  before: submissions.Counted['before'],
  demands: Demands,
): Job[] {
  const earlier = new Map<number, number>();
  return batch.map((submission) => {
    const { job, teamIds, bypass } = submission;
    const demanded = demands.get(submission) ?? [];
    const inBatch = earlier.get(job.userId) ?? 0;
    earlier.set(job.userId, inBatch + 1);
    const { jobsLast24h, isFirst } = before.get(job.userId) ?? { jobsLast24h: 0, isFirst: true };
    return {
      ...job,
      facts: {
        job_id: job.id,
        user_id: job.userId,
        username: job.username,
        level: job.level,
        provider: job.provider,
        config_name: job.configName,
        hardware: job.hardware,
        estimated_cost_usd: mostItMayCost(job),
        ...(mostAttempts(job) > 1 && { attempts: mostAttempts(job) }),
        ...(job.retry?.oom_hardware.length
          ? { also_hardware: job.retry.oom_hardware.map(({ hardware }) => hardware) }
          : {}),
        jobs_last_24h: jobsLast24h + inBatch,
        first_job: isFirst && inBatch === 0,
        ...(job.orgId === null ? {} : { org_id: job.orgId }),
        ...(job.teamId === null ? {} : { team_id: job.teamId }),
        ...(teamIds.length === 0 ? {} : { team_ids: [...teamIds] }),
        ...(demanded.length === 0 ? {} : { secrets_needing_approval: [...demanded] }),
        ...(bypass && { bypass }),
      },
    };
  });
}
