import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import { claimDelivery, putBack, type ClaimedDelivery } from '../db/deliveries.repo.js';
import { lockGate, spendToken } from '../db/endpoints.repo.js';
import { mayPass } from '../domain/endpoint-gate.js';
import { DeliveryMetrics } from './delivery-metrics.js';

export type Admitted = ClaimedDelivery & {
  /** Whether the endpoint failed before. */
  readonly hasFailed: boolean;
};

/** Lets deliveries through to their endpoints: so many at once, so many a second, and none while there is no use. */
@Injectable()
export class AdmitDelivery {
  constructor(
    private readonly database: Database,
    private readonly metrics: DeliveryMetrics,
  ) {}

  /** Undefined when it is not due, or held by another; one that may not pass now is put back and has lost nothing. */
  async claim(id: string, holder: string, leaseSeconds: number): Promise<Admitted | undefined> {
    return this.database.tx(async (tx) => {
      const gate = await lockGate(tx, id);
      if (!gate) {
        const claimed = await claimDelivery(tx, id, holder, leaseSeconds);
        return claimed && { ...claimed, hasFailed: false };
      }
      const passage = mayPass(gate.state, gate.limits, gate.now, Math.random());
      if (!passage.passes) {
        if (await putBack(tx, id, passage.waitsFor, passage.waitSeconds))
          this.metrics.heldBack(passage.waitsFor);
        return undefined;
      }
      const [claimed] = await Promise.all([
        claimDelivery(tx, id, holder, leaseSeconds),
        spendToken(tx, gate, passage.tokens),
      ]);
      return claimed && { ...claimed, hasFailed: gate.hasFailed };
    });
  }
}
