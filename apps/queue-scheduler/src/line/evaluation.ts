import { Inject, Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { evaluateJobs, type JobFacts } from '@lineclear/contracts';
import { Clock, CONFIG, LOGGER, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { chunksOf } from './chunks.js';
import type { Verdict } from '../domain/entering.js';

const PAUSE_MS = 1_000;
const MAX_ASKED = 256;

/** Asks approvals which jobs a rule holds. When it does not answer, jobs are stored unevaluated: it hears of them later. */
@Injectable()
export class Evaluation {
  #silentUntilMs = 0;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Verdicts by job id; a job that is not in it has none. */
  async of(facts: readonly JobFacts[]): Promise<ReadonlyMap<string, Verdict>> {
    // While approvals hangs, not every batch waits for it.
    if (this.clock.now().getTime() < this.#silentUntilMs) return new Map();
    try {
      const answers = await Promise.all(
        chunksOf(facts, MAX_ASKED).map((jobs) =>
          ask(this.bus, evaluateJobs, { jobs }, this.config.LINECLEAR_EVALUATION_DEADLINE_MS),
        ),
      );
      return new Map(
        answers.flatMap(({ verdicts }) => verdicts.map(({ job_id, approval }) => [job_id, approval])),
      );
    } catch (error) {
      this.#silentUntilMs = this.clock.now().getTime() + PAUSE_MS;
      this.log.warn(
        { err: error, jobs: facts.length },
        'approvals does not answer: jobs wait to be evaluated',
      );
      return new Map();
    }
  }
}
