import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Database, Refused, Unavailable } from '@lineclear/kit';
import { findClaim, type KeptClaim } from '../db/claims.repo.js';
import { faultOfAsking, faultOfFound, type RunAsking } from '../domain/may-have.js';
import type { Resolved } from '../sources/source-chain.js';

// A claim reaches this service and the asker at the same time: whoever asks first waits a moment for the other one's news.
const LOOKS_AFTER_MS = [0, 10, 20, 40, 80, 160, 320, 640];

type Asking = RunAsking & { readonly job_id: string; readonly attempt: number };

/** What stands between a secret and a run: the claim of its job. */
@Injectable()
export class Claims {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  /** @throws Unavailable while the claim is not heard of, Refused when it does not stand for this */
  async require(asking: Asking): Promise<KeptClaim> {
    const { job_id: jobId, attempt } = asking;
    const claim = await this.#find(jobId, attempt);
    if (!claim) throw new Unavailable(`nothing was heard yet of a claim of ${jobId}, attempt ${attempt}`);
    const fault = faultOfAsking(claim, asking);
    if (fault !== undefined) await this.#refuse(asking, fault);
    return claim;
  }

  /** @throws Refused when something of what was found takes an approval that the claim does not have */
  async requireApproved(
    claim: KeptClaim,
    asking: Asking,
    found: ReadonlyMap<string, Resolved>,
  ): Promise<void> {
    const fault = faultOfFound(
      claim,
      [...found].map(([name, { scope, needsApproval }]) => ({ name, scope, needsApproval })),
    );
    if (fault !== undefined) await this.#refuse(asking, fault);
  }

  async #refuse(asking: Asking, fault: string): Promise<never> {
    const { job_id: jobId, attempt } = asking;
    const details = { attempt, names: asking.names.join(' ').slice(0, 500), reason: fault };
    await this.database.tx((tx) =>
      this.bus.publish(tx, audited('secret.refused', { target: `job/${jobId}`, details })),
    );
    throw new Refused('not_granted', `secrets of ${jobId}, attempt ${attempt}, are not given out: ${fault}`);
  }

  async #find(jobId: string, attempt: number): Promise<KeptClaim | undefined> {
    for (const afterMs of LOOKS_AFTER_MS) {
      if (afterMs > 0) await delay(afterMs);
      const claim = await findClaim(this.database, jobId, attempt);
      if (claim) return claim;
    }
    return undefined;
  }
}
