import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { QUOTA_TYPES, usageOf, type QuotaType, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Clock, Database } from '@lineclear/kit';
import * as usage from '../db/usage.repo.js';
import type { Holder } from '../domain/holders.js';
import { NOTHING_USED, useOf } from '../domain/quotas.js';

/** Tells how much of what quotas limit is used, counted as a submit right now would find it. */
@Controller()
export class AnswerUsage {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @OnRequest(usageOf)
  async answer({ user_id, team_ids, org_id }: RequestOf<typeof usageOf>): Promise<ReplyOf<typeof usageOf>> {
    const org: Holder[] = org_id === undefined ? [] : [`org:${org_id}`];
    const wanted: Holder[] = [`user:${user_id}`, ...team_ids.map((id): Holder => `team:${id}`), ...org];
    const uses = await usage.of(this.database, wanted, this.clock.now());
    const of = (holder: Holder): Record<QuotaType, number> => {
      const use = uses.get(holder) ?? NOTHING_USED;
      return Object.fromEntries(QUOTA_TYPES.map((type) => [type, Math.max(0, useOf(type, use))])) as Record<
        QuotaType,
        number
      >;
    };
    return {
      user: of(`user:${user_id}`),
      teams: team_ids.map((id) => ({ id, use: of(`team:${id}`) })),
      ...(org_id === undefined ? {} : { org: of(`org:${org_id}`) }),
    };
  }
}
