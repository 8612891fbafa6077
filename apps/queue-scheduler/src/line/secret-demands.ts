import { Inject, Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { MAX_DEMANDING_JOBS, namesOfSecrets, secretDemands, type SecretDemand } from '@lineclear/contracts';
import { Clock, LOGGER, type Logger } from '@lineclear/kit';
import { chunksOf } from './chunks.js';
import type { Submission } from './submission.js';

const DEADLINE_MS = 1_500;
const PAUSE_MS = 1_000;
const NONE: readonly SecretDemand[] = [];

/** Asks the secrets service which secrets of new jobs take an approval. What it does not say now, it refuses to the run. */
@Injectable()
export class SecretDemands {
  #silentUntilMs = 0;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** One list per submission, in the same order; undefined for those of which nobody could say. */
  async of(batch: readonly Submission[]): Promise<(readonly SecretDemand[] | undefined)[]> {
    const naming = batch.filter(({ job }) => job.secrets.length > 0);
    if (naming.length === 0) return batch.map(() => NONE);
    const answers = await this.#ask(naming);
    const found = new Map(naming.map((submission, index) => [submission, answers?.[index]]));
    return batch.map((submission) => (found.has(submission) ? found.get(submission) : NONE));
  }

  async #ask(naming: readonly Submission[]): Promise<readonly (readonly SecretDemand[])[] | undefined> {
    // While the secrets service hangs, not every batch waits for it.
    if (this.clock.now().getTime() < this.#silentUntilMs) return undefined;
    try {
      const jobs = naming.map(({ job }) => ({
        user_id: job.userId,
        ...(job.teamId === null ? {} : { team_id: job.teamId }),
        ...(job.orgId === null ? {} : { org_id: job.orgId }),
        names: namesOfSecrets(job.secrets),
      }));
      const answers = await Promise.all(
        chunksOf(jobs, MAX_DEMANDING_JOBS).map((some) =>
          ask(this.bus, secretDemands, { jobs: some }, DEADLINE_MS),
        ),
      );
      return answers.flatMap(({ demands }) => demands);
    } catch (error) {
      this.#silentUntilMs = this.clock.now().getTime() + PAUSE_MS;
      this.log.warn(
        { err: error, jobs: naming.length },
        'nobody could say whether secrets of submits need an approval',
      );
      return undefined;
    }
  }
}
