/** What an event means to whoever is told of it, and the data that one may come with. */
export interface EventDetails {
  readonly description: string;
  readonly example: Readonly<Record<string, unknown>>;
}

const job = {
  job_id: 'job_0190f3c2a1b24c3d8e4f5a6b7c8d9e0f',
  user_id: 7,
  org_id: 1,
  team_id: 3,
  username: 'ada',
  provider: 'replicate',
  config_name: 'digits',
};
const approval = { approval_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e10', job_id: job.job_id };
const asked = {
  ...approval,
  user_id: job.user_id,
  org_id: job.org_id,
  team_id: job.team_id,
  username: job.username,
  config_name: job.config_name,
};
const times = { started_at: '2026-11-22T12:00:00.000Z', ended_at: '2026-11-22T14:30:00.000Z' };
const decision = { by_user_id: 2, by: 'lea', via: 'api', at: '2026-11-22T11:59:00.000Z' };
const need = {
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'estimated cost $72.00 exceeds $50.00',
  required_level: 'lead',
  expires_at: '2026-11-23T11:58:00.000Z',
};
const cost = { hardware: 'gpu-a100', estimated_cost_usd: 72 };
const held = { ...approval, ...need, ...job, ...cost, stage: 1, round: 1 };
const quota = { scope: 'org', subject: '1', quota_type: 'cost_daily', limit: 100, action: 'block' };
const costLimit = {
  provider: job.provider,
  limit_amount: 500,
  period: 'monthly',
  action: 'block',
  period_ends_at: '2026-12-01T00:00:00.000Z',
};
const secret = { scope: 'global', name: 'HF_TOKEN', version: 2 };

/** Of every event that people may choose, by its id. */
export const EVENT_DETAILS: Readonly<Record<string, EventDetails>> = {
  'job.submitted': {
    description: 'A job was accepted. `approval` is there when a rule holds it.',
    example: {
      ...job,
      ...cost,
      status: 'pending_approval',
      approval: { approval_id: approval.approval_id, ...need },
    },
  },
  'job.started': {
    description: 'A run of a job began on its provider; `attempt` counts them.',
    example: { ...job, attempt: 1, started_at: times.started_at },
  },
  'job.completed': {
    description: 'A job is done. `cost_usd` is what it cost in all.',
    example: { ...job, attempt: 1, cost_usd: 71.5, ...times },
  },
  'job.attempt_failed': {
    description:
      'An attempt of a job ended without having done its work, and another one is to follow: the job is in the queue again from `retry_at` on. `cost_usd` is what this attempt cost.',
    example: {
      ...job,
      attempt: 1,
      cost_usd: 3.2,
      ...times,
      outcome: 'failed',
      cause: 'oom',
      message: 'out of memory',
      retry_at: times.ended_at,
      hardware: 'h100-80g',
    },
  },
  'job.failed': {
    description: 'A job ended without having done its work; `reason` says of what kind that was.',
    example: { ...job, attempt: 1, cost_usd: 3.2, ...times, reason: 'run_failed', message: 'exit code 1' },
  },
  'job.cancelled': {
    description:
      'A job was ended before it was done, by somebody, `cancelled_by`, or because it may not run.',
    example: {
      ...job,
      attempt: 1,
      cost_usd: 0.5,
      ...times,
      reason: 'cancelled_by_user',
      message: 'cancelled by lea',
      cancelled_by: { user_id: 2, username: 'lea' },
    },
  },
  'approval.required': {
    description: 'A rule holds a job until somebody of `required_level` decides on it.',
    example: { ...held },
  },
  'approval.reminder': {
    description: 'A job still waits for somebody to decide. `number` counts the reminders of it.',
    example: { ...held, number: 1 },
  },
  'approval.stage_started': {
    description:
      'Others are to decide now: enough people said yes to the `stage` before, or the requester answered whoever asked for changes.',
    example: { ...held, stage: 2, cause: 'stage' },
  },
  'approval.escalated': {
    description: 'More people are asked, `ask`: nobody decided for so long, or somebody cannot be reached.',
    example: { ...held, cause: 'time', ask: [2] },
  },
  'approval.bypassed': {
    description:
      'Who submitted a job passed the approval that it needs; whoever could have decided is to look at it. Said each day until somebody has.',
    example: { ...held, bypass_reason: 'the demo is at noon', number: 1 },
  },
  'approval.bypass_reviewed': {
    description: 'Somebody looked at an approval that was passed, and accepts it or objects.',
    example: {
      ...held,
      verdict: 'accepted',
      by_user_id: 2,
      by: 'lea',
      at: decision.at,
      comment: 'right so',
    },
  },
  'approval.changes_requested': {
    description:
      'Somebody who may decide wants something else first. The requester answers, or takes it back.',
    example: {
      ...held,
      ...decision,
      comment: 'a smaller GPU will do',
    },
  },
  'approval.granted': {
    description: 'Somebody approved a job.',
    example: { ...asked, ...decision, notes: 'fine' },
  },
  'approval.rejected': {
    description: 'Somebody rejected a job, which is cancelled by that.',
    example: { ...asked, ...decision, reason: 'too costly' },
  },
  'approval.expired': {
    description: 'Nobody decided on a job in time, and it is cancelled.',
    example: { ...asked, at: need.expires_at },
  },
  'approval.cancelled': {
    description: 'The request for an approval was withdrawn, by whoever asked or because the job is over.',
    example: { ...asked, by_user_id: job.user_id, by: job.username, at: decision.at },
  },
  'quota.warning': {
    description:
      'With this job, or with what it really took, most of a quota is used. Told once per quota and period.',
    example: { ...job, quota, used: 80 },
  },
  'quota.exceeded': {
    description:
      'This job goes, or would have gone (`refused`), beyond a quota, or took more than was expected.',
    example: { ...job, quota, used: 101.5, refused: true },
  },
  'cost.warning': {
    description: "Most of a provider's cost limit is used, with what waits. Told once per limit and period.",
    example: { ...costLimit, current_spend: 380, waiting: 40, percent_used: 84 },
  },
  'cost.exceeded': {
    description:
      "A provider's cost limit is used up, with what waits, or (`refused`) a job would have gone beyond it. Told once per limit and period.",
    example: { ...costLimit, current_spend: 460, waiting: 40, percent_used: 100, refused: false },
  },
  'auth.login_failure': {
    description: 'Logins with a name, or from an address, failed several times.',
    example: { username: 'ada', user_id: 7, address: '203.0.113.7', failures: 3 },
  },
  'auth.new_device': {
    description: 'A person logged in with a program, or from a network, that was never seen with them.',
    example: { user_id: 7, username: 'ada', device: 'Firefox on Linux', address: '203.0.113.7' },
  },
  'secret.expiring': {
    description: "A secret's value ends soon, or has ended: after that it is handed to nobody.",
    example: { ...secret, expires_at: '2026-12-01T12:00:00.000Z' },
  },
  'secret.stale': {
    description: "A secret's value was set more than 90 days ago.",
    example: { ...secret, set_at: '2026-08-01T12:00:00.000Z' },
  },
  'secret.glass_broken': {
    description:
      "Somebody took a secret's value in an emergency. It has to have a new one by `must_rotate_by`.",
    example: {
      scope: 'user:7',
      name: 'PROD_KEY',
      version: 2,
      by_user_id: 1,
      by: 'root',
      reason: 'production is down',
      must_rotate_by: '2026-11-29T12:00:00.000Z',
    },
  },
  'secret.leak_detected': {
    description: 'A run wrote a secret into its log, or its provider into a message. It was taken out there.',
    example: { job_id: job.job_id, attempt: 1, user_id: 7, name: 'HF_TOKEN', where: 'log', form: 'base64' },
  },
  'system.provider_error': {
    description: 'A provider refused something or did not answer.',
    example: { provider: 'replicate', job_id: job.job_id, message: 'HTTP 500' },
  },
  'system.provider_degraded': {
    description:
      'A provider has answered no call for a while. It is only asked now and then whether it is back; its jobs keep their states, and new ones wait.',
    example: {
      provider: 'replicate',
      since: '2026-11-22T12:00:00.000Z',
      message: 'none of 9 calls was answered for 31 seconds',
    },
  },
  'system.provider_restored': {
    description: 'A provider that was away answers again.',
    example: {
      provider: 'replicate',
      since: '2026-11-22T12:00:00.000Z',
      restored_at: '2026-11-22T12:20:00.000Z',
    },
  },
  'system.webhook_failure': {
    description:
      'A message was given up after its last attempt, or its channel was switched off (`channel_disabled`).',
    example: {
      channel_id: 1,
      channel_name: 'ci',
      delivery_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e11',
      event_type: 'job.completed',
      attempts: 10,
      message: 'the receiver answered 500',
    },
  },
  'system.dead_letter': {
    description: 'A service gave up on an event, which waits to be replayed or discarded.',
    example: {
      service: 'approvals',
      event_type: 'job.submitted',
      event_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e12',
      reason: 'broke its contract',
    },
  },
};
