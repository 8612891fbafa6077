import { Controller } from '@nestjs/common';
import { OnEvent } from '@lineclear/bus';
import { quotaChanged, type EventOf } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import * as lanes from '../db/lanes.repo.js';
import * as quotas from '../db/quotas.repo.js';
import * as slots from '../db/slots.repo.js';
import { Wakes } from '../line/wakes.js';

/** Keeps what auth says of quotas at hand, where submits and claims are judged by it in their own transaction. */
@Controller()
export class FollowQuotas {
  constructor(private readonly wakes: Wakes) {}

  @OnEvent(quotaChanged)
  async take({ data, sequence = 0 }: EventOf<typeof quotaChanged>, tx: Tx): Promise<void> {
    const { limit, action } = data;
    const set = limit === undefined || action === undefined ? undefined : { limit, action };
    await slots.enter(tx);
    const taken = await quotas.take(tx, data, set, sequence);
    if (!taken) return;
    if (set && (taken.before === null || set.limit > taken.before)) await quotas.forgetTold(tx, data);
    await lanes.reopenAll(tx);
    tx.afterCommit(() => this.wakes.wake());
  }
}
