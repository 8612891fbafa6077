import { Controller, Inject } from '@nestjs/common';
import { approvalWaived, jobSubmitted, type ApprovalNeed, type EventOf } from '@lineclear/contracts';
import { Bus, event, OnEvents, type Outgoing } from '@lineclear/bus';
import { Clock, CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { CurrentRules } from '../current-rules.js';
import { openRequests, requestsOfJobs, type NewRequest } from '../db/requests.repo.js';
import { requestOf } from './evaluate-jobs.js';
import { outcomeOf } from './outcome-of-request.js';

type Submitted = EventOf<typeof jobSubmitted>;

/** Opens a request for each submitted job that is held, and judges those that could not be judged at submit. */
@Controller()
export class OpenRequests {
  constructor(
    private readonly bus: Bus,
    private readonly rules: CurrentRules,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    // Most jobs need nothing from us.
    bus.handleOnlyIf(jobSubmitted, {
      event: ({ data }) => data.approval !== undefined || data.status === 'awaiting_evaluation',
    });
  }

  @OnEvents(jobSubmitted)
  async open(asking: Submitted[], tx: Tx): Promise<void> {
    const now = this.clock.now();
    const rules = asking.some(({ data }) => !data.approval) ? await this.rules.get() : undefined;
    // The same job may ask twice in one batch, when someone lost patience: once is enough.
    const byJob = new Map(asking.map((one) => [one.data.job_id, one]));
    const needs = new Map(
      [...byJob].map(([jobId, { data }]) => [
        jobId,
        data.approval ?? (rules ? requestOf(data.facts, rules, now, this.config.APPROVAL_TTL_HOURS) : null),
      ]),
    );
    await openRequests(
      tx,
      [...byJob].flatMap(([jobId, one]) => {
        const need = needs.get(jobId);
        return need ? [newRequest(one, need)] : [];
      }),
      now,
    );
    // Read back: a job that had its request before is told how that one stands.
    const known = await requestsOfJobs(tx, [...byJob.keys()]);
    const told = [...byJob].map(([jobId, one]): Outgoing | undefined => {
      const request = known.get(jobId);
      if (request === 'never') return undefined;
      if (request) return outcomeOf(request);
      if (needs.get(jobId))
        throw new Error(`the request of ${jobId} could not be opened: its id belongs to another job`);
      return event(
        approvalWaived,
        { job_id: jobId },
        { about: `job/${jobId}`, traceparent: one.traceparent },
      );
    });
    await this.bus.publish(tx, ...told.filter((one) => one !== undefined));
  }
}

function newRequest({ data, traceparent }: Submitted, need: ApprovalNeed): NewRequest {
  return {
    id: need.approval_id,
    jobId: data.job_id,
    userId: data.user_id,
    orgId: data.org_id ?? null,
    username: data.username,
    provider: data.provider,
    configName: data.config_name,
    hardware: data.hardware,
    estimatedCostUsd: data.estimated_cost_usd,
    ruleId: need.rule_id,
    ruleName: need.rule_name,
    reason: need.reason,
    stages: need.stages ?? [{ approvals: 1, levels: [need.required_level, ...(need.also_levels ?? [])] }],
    rejections: need.rejections ?? 1,
    expiresAt: new Date(need.expires_at),
    traceparent: traceparent ?? null,
  };
}
