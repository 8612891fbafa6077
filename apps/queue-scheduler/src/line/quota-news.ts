import type { Outgoing } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import * as quotas from '../db/quotas.repo.js';
import * as usage from '../db/usage.repo.js';
import { holdersOf } from '../domain/holders.js';
import type { Job } from '../domain/job.js';
import { judgeUsed, quotasOf, type Finding } from '../domain/quotas.js';
import { tookMore } from '../domain/usage.js';
import { quotaEvent } from './job-events.js';

/** Those that nobody was told of yet in their period. */
export async function unheard(tx: Tx, findings: readonly Finding[]): Promise<Finding[]> {
  const fresh: Finding[] = [];
  for (const finding of findings) {
    const { quota, isBeyond, until } = finding;
    const what = isBeyond ? 'exceeded' : 'warning';
    if (await quotas.tell(tx, quota, what, until)) fresh.push(finding);
  }
  return fresh;
}

/** What is to be told of quotas whose use has grown with attempts that are over, once all is booked, as they took more than was expected. */
export async function quotaNews(
  tx: Tx,
  over: readonly { readonly before: Job; readonly after: Job }[],
  now: Date,
): Promise<Outgoing[]> {
  const grown = over.filter(({ before, after }) => tookMore(before, after)).map(({ after }) => after);
  const all = grown.length === 0 ? [] : await quotas.about(tx, quotas.subjectsOf(grown));
  if (all.length === 0) return [];
  const uses = await usage.of(tx, [...new Set(grown.flatMap(holdersOf))], now);
  const news: Outgoing[] = [];
  for (const job of grown)
    for (const finding of await unheard(tx, judgeUsed(quotasOf(all, job), uses, job, now)))
      news.push(quotaEvent(job, finding, false));
  return news;
}
