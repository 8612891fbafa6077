import type { Outgoing } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import * as quotas from '../db/quotas.repo.js';
import * as usage from '../db/usage.repo.js';
import { holdersOf, type Holder } from '../domain/holders.js';
import type { Job } from '../domain/job.js';
import {
  explainQuota,
  judgeSubmit,
  NOTHING_USED,
  quotasOf,
  withSubmitted,
  type Finding,
  type Load,
  type Use,
} from '../domain/quotas.js';
import { gpuSecondsOf } from '../domain/usage.js';
import { refusalNews } from './cost-news.js';
import { costJudge, type CostVerdict } from './judge-costs.js';
import { unheard } from './quota-news.js';
import type { Refusal } from './submission.js';

/** A new job as the quotas and the cost limit of its provider let it in, or not. */
export interface Judged {
  readonly job: Job;
  readonly refusal: Refusal | undefined;
  readonly warnings: readonly string[];
  /** Of these quotas somebody is to be told. */
  readonly told: readonly Finding[];
  /** What is told of the cost limit that refuses it. */
  readonly news: readonly Outgoing[];
}

const SECONDS_PER_HOUR = 3_600;
const loadOf = (job: Job): Load => ({
  userId: job.userId,
  teamId: job.teamId,
  orgId: job.orgId,
  level: job.level,
  usd: job.estimatedCostUsd,
  gpuHours: gpuSecondsOf(job) / SECONDS_PER_HOUR,
});

/** Judges new jobs one after the other, in a transaction that has entered: each counts for those behind it. */
export async function judgeQuotas(tx: Tx, jobs: readonly Job[], now: Date): Promise<Judged[]> {
  const all = await quotas.about(tx, quotas.subjectsOf(jobs));
  const uses = new Map<Holder, Use>(
    all.length === 0 ? [] : await usage.of(tx, [...new Set(jobs.flatMap(holdersOf))], now),
  );
  const costs = await costJudge(tx, jobs, now);
  const judged: Judged[] = [];
  for (const job of jobs) {
    const load = loadOf(job);
    const findings = judgeSubmit(quotasOf(all, load), uses, load, now);
    const cost = costs.judge(job);
    const one = verdict(job, findings, cost);
    if (!one.refusal) {
      costs.count(job);
      for (const holder of holdersOf(job))
        uses.set(holder, withSubmitted(uses.get(holder) ?? NOTHING_USED, load));
    }
    judged.push({
      ...one,
      told: await unheard(tx, one.told),
      news: cost.refusal ? await refusalNews(tx, cost.refusal.limit, now) : [],
    });
  }
  return judged;
}

function verdict(job: Job, findings: readonly Finding[], cost: CostVerdict): Omit<Judged, 'news'> {
  const beyond = findings.filter(({ isBeyond }) => isBeyond);
  const by = (action: Finding['quota']['action']): Finding[] =>
    beyond.filter(({ quota }) => quota.action === action);
  const blocks = by('block');
  const asks = by('require_approval').map(explainQuota);
  const told = [
    ...findings.filter((finding) => !finding.isBeyond),
    ...blocks,
    ...by('notify'),
    ...by('require_approval'),
  ];
  if (blocks.length > 0 || cost.refusal) {
    const { refusal: byCost } = cost;
    // What counts anew first helps nothing while another one still refuses.
    const ends = [...blocks, ...(byCost ? [byCost] : [])].map(({ until }) => until.getTime());
    const refusal = {
      quotas: blocks.map(explainQuota),
      ...(byCost && { costLimit: byCost.reason }),
      until: new Date(Math.max(...ends)),
    };
    return { job, refusal, warnings: [], told: blocks.length > 0 ? told : [] };
  }
  const warnings = [
    ...(cost.warning === undefined ? [] : [cost.warning]),
    ...findings
      .filter(({ isBeyond, quota }) => !isBeyond || quota.action !== 'require_approval')
      .map(explainQuota),
    ...asks.map((reason) => `a human decides first: ${reason}`),
  ];
  if (asks.length === 0) return { job, refusal: undefined, warnings, told };
  return { job: heldForApproval(job, asks), refusal: undefined, warnings, told };
}

/** Approvals decides how: it is asked again, with what it did not know when it said that no rule holds the job. */
function heldForApproval(job: Job, reasons: readonly string[]): Job {
  const asked = { ...job, facts: { ...job.facts, over_quota: [...reasons] } };
  return job.state === 'queued' ? { ...asked, state: 'awaiting_evaluation', queuedAt: null } : asked;
}
