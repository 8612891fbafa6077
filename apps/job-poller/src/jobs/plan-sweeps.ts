import { Injectable } from '@nestjs/common';
import { Clock, type Tx } from '@lineclear/kit';
import { SweepsRepo } from '../db/sweeps.repo.js';
import { sweepDelayMs } from '../domain/sweep.js';
import { isSwept, Providers } from '../providers/providers.js';
import type { StepResult } from './step-result.js';

/** Has the accounts swept whose runs' steps are stored: a new run must not wait until those that run for long are looked at again. */
@Injectable()
export class PlanSweeps {
  constructor(
    private readonly sweeps: SweepsRepo,
    private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  async plan(tx: Tx, results: readonly StepResult[]): Promise<void> {
    const plans = new Map<string, { account: string; provider: string; inMs: number }>();
    for (const { run } of results) {
      const adapter = this.providers.get(run.provider);
      if (!adapter || run.account === null || run.state === 'ended' || !isSwept(adapter, run)) continue;
      const policy = this.providers.pollPolicy(adapter);
      const inMs = sweepDelayMs([run], this.clock.now(), policy, Math.random()) ?? policy.maxMs;
      const known = plans.get(run.account);
      if (!known || inMs < known.inMs)
        plans.set(run.account, { account: run.account, provider: run.provider, inMs });
    }
    if (plans.size > 0) await this.sweeps.plan(tx, [...plans.values()]);
  }
}
