import { Controller, Inject } from '@nestjs/common';
import { approvalWaived, jobSubmitted, type ApprovalNeed, type EventOf } from '@lineclear/contracts';
import { Bus, event, OnEvents, type Outgoing } from '@lineclear/bus';
import { Clock, CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { CurrentRules } from '../current-rules.js';
import {
  findRequest,
  hasReviewDue,
  openRequests,
  requestsOfJobs,
  type NewRequest,
} from '../db/requests.repo.js';
import { Decisions } from '../decisions.js';
import { statusAt } from '../domain/approval-request.js';
import { isStaged } from '../domain/stages.js';
import { Standing, type Speaking } from '../standing.js';
import { requestOf } from './evaluate-jobs.js';
import { outcomeOf } from './outcome-of-request.js';

const HOUR_MS = 3_600_000;

type Submitted = EventOf<typeof jobSubmitted>;

/** Opens a request for each submitted job that is held, and judges those that could not be judged at submit. */
@Controller()
export class OpenRequests {
  constructor(
    private readonly bus: Bus,
    private readonly rules: CurrentRules,
    private readonly decisions: Decisions,
    private readonly standing: Standing,
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
    const held = [...byJob.values()].flatMap((one) => {
      const need = needs.get(one.data.job_id);
      return need ? [{ one, request: newRequest(one, need) }] : [];
    });
    // Asked before anything is written: others would wait for the answer too.
    const speaking = await this.standing.speakingFor(
      tx,
      held.map(({ one }) => one.data.facts),
    );
    const opened = await openRequests(
      tx,
      held.map(({ request }) => request),
      now,
    );
    const passed = new Set<string>();
    for (const { one, request } of held)
      if (
        opened.has(request.id) &&
        (await this.#passes(tx, one, request.id, speaking.get(request.jobId) ?? []))
      )
        passed.add(request.jobId);
    // Read back: a job that had its request before is told how that one stands.
    const known = await requestsOfJobs(tx, [...byJob.keys()]);
    const told = [...byJob].map(([jobId, one]): Outgoing | undefined => {
      const request = known.get(jobId);
      // Of what was decided just now everything is told.
      if (request === 'never' || passed.has(jobId)) return undefined;
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

  /**
   * Decides a request that was just opened at once, where its requester passes it or somebody said yes in advance; whether
   * everything is told of it by that.
   */
  async #passes(tx: Tx, { data }: Submitted, id: string, speaking: readonly Speaking[]): Promise<boolean> {
    const reason = await this.#bypassOf(tx, data);
    if (reason === undefined && speaking.length === 0) return false;
    const request = (await findRequest(tx, id))!;
    // The event may have been on its way for longer than the request could wait.
    if (statusAt(request, this.clock.now()) !== 'pending') return false;
    const required = outcomeOf(request);
    // Who does not know yet that the job is held could not make anything of its being let go, or of its next stage.
    const isToldFirst = !data.approval || isStaged(request.stages, request.rejections);
    if (isToldFirst && required) await this.bus.publish(tx, required);
    const after =
      reason === undefined
        ? await this.standing.countFor(tx, request, speaking)
        : await this.decisions.bypassIn(tx, id, { userId: data.user_id, username: data.username }, reason);
    return isToldFirst || after.status !== 'pending';
  }

  /** Why the requester passes the approval; not while an earlier time should have been looked at, nor where a secret takes one. */
  async #bypassOf(tx: Tx, { user_id, facts }: Submitted['data']): Promise<string | undefined> {
    if (!facts.bypass || facts.secrets_needing_approval?.length) return undefined;
    const before = new Date(this.clock.now().getTime() - this.config.APPROVAL_REVIEW_HOURS * HOUR_MS);
    return (await hasReviewDue(tx, user_id, before)) ? undefined : facts.bypass.reason;
  }
}

function newRequest({ data, traceparent }: Submitted, need: ApprovalNeed): NewRequest {
  return {
    id: need.approval_id,
    jobId: data.job_id,
    userId: data.user_id,
    orgId: data.org_id ?? null,
    teamId: data.team_id ?? null,
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
