import { randomBytes, randomUUID } from 'node:crypto';
import {
  jobCancelled,
  jobClaimed,
  jobCompleted,
  jobFailed,
  type EventData,
  type RequestOf,
  type resolveSecrets,
} from '@lineclear/contracts';
import type { Peer } from '@lineclear/testkit';

export type ForRun = Extract<RequestOf<typeof resolveSecrets>['for'], { purpose: 'run' }>;
export const newJobId = (): string => `job_${randomBytes(16).toString('hex')}`;

/** Claims a slot for a job of these people that names these secrets, of which some were approved, as queue-scheduler does; what job-poller then asks with. */
export async function claimRun(
  peer: Peer,
  names: readonly string[],
  { job_id = newJobId(), attempt = 1, ...people }: Partial<ForRun> & Pick<ForRun, 'user_id'>,
  approved?: EventData<typeof jobClaimed>['approved_secrets'],
): Promise<ForRun> {
  const { user_id, team_id, org_id } = people;
  const whose = {
    user_id,
    ...(team_id === undefined ? {} : { team_id }),
    ...(org_id === undefined ? {} : { org_id }),
  };
  await peer.publish(
    jobClaimed,
    {
      job_id,
      attempt,
      ...whose,
      username: 'ada',
      provider: 'cloud',
      config_name: 'tiny',
      level: 'researcher',
      claim_id: randomUUID(),
      hardware: 'gpu',
      config: {},
      secrets: [...names],
      ...(approved ? { approved_secrets: approved } : {}),
    },
    { about: `job/${job_id}` },
  );
  return { purpose: 'run', job_id, attempt, ...whose };
}

/** Ends a job, as queue-scheduler does. */
export async function endJob(
  peer: Peer,
  { job_id, attempt, user_id, org_id }: Omit<ForRun, 'purpose'>,
  {
    as = 'completed',
    provider = 'cloud',
    names = true,
  }: { as?: 'completed' | 'failed' | 'cancelled'; provider?: string; names?: boolean } = {},
): Promise<void> {
  const ended = {
    job_id,
    attempt,
    user_id,
    ...(org_id === undefined ? {} : { org_id }),
    username: 'ada',
    provider,
    config_name: 'tiny',
    cost_usd: 0,
    ended_at: new Date().toISOString(),
    ...(names ? { uses_secrets: true as const } : {}),
  };
  const about = { about: `job/${job_id}` };
  if (as === 'completed') await peer.publish(jobCompleted, ended, about);
  else if (as === 'failed') await peer.publish(jobFailed, { ...ended, reason: 'run_failed' }, about);
  else await peer.publish(jobCancelled, { ...ended, reason: 'cancelled_by_user' }, about);
}
