import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import { HintedRunsRepo } from '../db/hinted-runs.repo.js';
import type { Adapter } from '../adapters/adapter.js';
import type { Hint } from '../adapters/webhook.js';
import { isRunKey } from '../domain/run.js';
import { storable } from '../domain/storable.js';
import { StepRunner } from './step-runner.js';
import { SweepRunner } from './sweep-runner.js';

// However often a provider says that something happened, it is asked no more often than this.
const GAP_MS = 2_000;
const MAX_ID = 200;

/** A provider said that something happened: it is asked what. What it said itself is not taken for a state. */
@Injectable()
export class TakeHint {
  constructor(
    private readonly database: Database,
    private readonly hinted: HintedRunsRepo,
    private readonly steps: StepRunner,
    private readonly sweeps: SweepRunner,
  ) {}

  /** False where nothing of ours goes on that it is about. */
  async take({ name }: Adapter, hint: Hint): Promise<boolean> {
    if (hint === 'all') {
      const swept = await this.hinted.hintAll(this.database, name, GAP_MS);
      if (swept) this.sweeps.wake();
      return swept;
    }
    const { externalId, runKey } = hint;
    const named = {
      externalId: externalId !== undefined && isId(externalId) ? externalId : null,
      runKey: runKey !== undefined && isRunKey(runKey) ? runKey : null,
    };
    const looks = await this.hinted.hint(this.database, name, named, GAP_MS);
    if (looks) this.steps.wake();
    return looks;
  }
}

const isId = (given: string): boolean => given.length <= MAX_ID && given === storable(given);
