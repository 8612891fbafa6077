import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  approvalRequired,
  approvalWaived,
  jobCancelled,
  jobCancelRequested,
  jobClaimed,
  jobCompleted,
  jobFailed,
  jobQueued,
  jobStarted,
  jobSubmitted,
  runEnded,
  runObserved,
  runStarted,
} from '@lineclear/contracts';
import { client, pendingEvents, type Person } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { NEED, openHouse, recount, type House } from './house.js';

let house: House;
let ada: Person;
let bob: Person;
let admin: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
  bob = house.folk.add('researcher', { username: 'bob' });
  admin = house.folk.add('admin', { username: 'root' });
  await house.limits({ max_concurrent: 1_000, user_max_concurrent: 1_000 });
  await house
    .as(admin)
    .put('/api/cloud/providers/local/config', { hardware: { gpu: { cost_per_hour_usd: 3.6 } } });
});
afterAll(() => house?.close());
afterEach(async () => expect(await recount(house)).toEqual([]));

const soon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const settled = (): Promise<void> =>
  vi.waitFor(async () => expect(await pendingEvents(house.backends.nats.url, 'queue-scheduler')).toBe(0));
const submitted = async (more: object = {}): Promise<string> => (await house.submit(ada, more)).body.job_id;
const claimed = async (more: object = {}): Promise<string> => {
  const jobId = await submitted(more);
  await soon(jobId, 'dispatching');
  return jobId;
};
const running = async (more: object = {}): Promise<string> => {
  const jobId = await claimed(more);
  await house.started(jobId);
  await soon(jobId, 'running');
  return jobId;
};
const about = async (jobId: string) => {
  const { attempt, claim_id } = await house.row(jobId);
  return { job_id: jobId, attempt: Number(attempt), claim_id: String(claim_id), provider: 'local' };
};
const cancel = (jobId: string, who = ada, path = `/api/cloud/jobs/${jobId}/cancel`) =>
  house.as(who).post(path);
const cancelledEvent = (jobId: string) =>
  vi.waitFor(() => {
    const told = house.peer.events(jobCancelled).find(({ data }) => data.job_id === jobId);
    expect(told).toBeDefined();
    return told!.data;
  });
const decision = (job_id: string, approval_id: string) => ({
  approval_id,
  job_id,
  by_user_id: 9,
  by: 'lea',
  via: 'api' as const,
  at: new Date().toISOString(),
});
const heldBy = async (): Promise<[job: string, approval: string]> => {
  const { body } = await house.submit(ada, { config_name: 'held' });
  return [body.job_id, body.approval.id];
};

it('carries a job through its run, says so, and settles the cost', async () => {
  const jobId = await running({ hardware: 'gpu', estimated_duration_seconds: 1_000 });
  await house.peer.publish(runObserved, {
    ...(await about(jobId)),
    remote_state: 'busy',
    step: 5,
    progress: 0.5,
    metrics: { loss: 0.1 },
    observed_at: new Date().toISOString(),
  });
  await vi.waitFor(async () =>
    expect((await house.as(ada).get(`/api/cloud/jobs/${jobId}`)).body.progress).toMatchObject({
      step: 5,
      progress: 0.5,
    }),
  );
  await house.ended(jobId, 'succeeded', {
    started_at: '2026-11-22T10:00:00Z',
    ended_at: '2026-11-22T10:16:40Z',
  });
  await soon(jobId, 'completed');
  const { body } = await house.as(ada).get(`/api/cloud/jobs/${jobId}`);
  expect(body).toMatchObject({
    status: 'completed',
    estimated_cost_usd: 1,
    cost_usd: 1,
    external_id: `x-${jobId}`,
    attempt: 1,
  });
  await vi.waitFor(() =>
    expect(house.peer.events(jobCompleted).find(({ data }) => data.job_id === jobId)?.data).toMatchObject({
      cost_usd: 1,
      attempt: 1,
    }),
  );
  expect(house.peer.events(jobStarted).filter(({ data }) => data.job_id === jobId)).toHaveLength(1);
  expect(
    await house.service.database.query('select reserved_usd, settled_usd from ledger where job_id = $1', [
      jobId,
    ]),
  ).toEqual([{ reserved_usd: 1, settled_usd: 1 }]);
});

it('believes the provider about its own price', async () => {
  const jobId = await running({ hardware: 'gpu' });
  await house.ended(jobId, 'failed', { cost_usd: 7.5, message: 'out of memory' });
  await soon(jobId, 'failed');
  await vi.waitFor(() =>
    expect(house.peer.events(jobFailed).find(({ data }) => data.job_id === jobId)?.data).toMatchObject({
      cost_usd: 7.5,
      reason: 'run_failed',
      message: 'out of memory',
    }),
  );
});

it('ends once, however often and in whatever order a run is told of', async () => {
  const jobId = await claimed();
  const run = await about(jobId);
  const end = { ...run, outcome: 'succeeded' as const, ended_at: new Date().toISOString() };
  await house.peer.publish(runEnded, end);
  await house.peer.publish(runStarted, { ...run, external_id: 'x', started_at: new Date().toISOString() });
  await house.peer.publish(runEnded, { ...end, outcome: 'failed' });
  await house.peer.publish(runEnded, end);
  await house.peer.publish(runObserved, {
    ...run,
    remote_state: 'late',
    observed_at: new Date().toISOString(),
  });
  await settled();
  expect(await house.status(jobId)).toBe('completed');
  await vi.waitFor(() =>
    expect(house.peer.events(jobCompleted).filter(({ data }) => data.job_id === jobId)).toHaveLength(1),
  );
  expect(house.peer.events(jobFailed).filter(({ data }) => data.job_id === jobId)).toEqual([]);
});

it('ignores a run that is not the present claim', async () => {
  const jobId = await running();
  const run = await about(jobId);
  await house.peer.publish(runEnded, {
    ...run,
    claim_id: '01920000-0000-7000-8000-000000000009',
    outcome: 'failed',
    ended_at: new Date().toISOString(),
  });
  await house.peer.publish(runEnded, {
    ...run,
    attempt: 2,
    outcome: 'failed',
    ended_at: new Date().toISOString(),
  });
  await house.peer.publish(runEnded, {
    ...run,
    job_id: `job_${'f'.repeat(32)}`,
    outcome: 'failed',
    ended_at: new Date().toISOString(),
  });
  await settled();
  expect(await house.status(jobId)).toBe('running');
});

it('follows what approvals decides', async () => {
  const [granted, grantId] = await heldBy();
  await house.peer.publish(approvalGranted, decision(granted, grantId));
  await soon(granted, 'dispatching');
  const [rejected, rejectId] = await heldBy();
  await house.peer.publish(approvalRejected, { ...decision(rejected, rejectId), reason: 'too dear' });
  await soon(rejected, 'cancelled');
  await vi.waitFor(() =>
    expect(house.peer.events(jobCancelled).find(({ data }) => data.job_id === rejected)?.data).toMatchObject({
      reason: 'approval_rejected',
      message: 'rejected by lea: too dear',
    }),
  );
  const [expired, expireId] = await heldBy();
  await house.peer.publish(approvalExpired, {
    approval_id: expireId,
    job_id: expired,
    at: new Date().toISOString(),
  });
  await soon(expired, 'cancelled');
  const [withdrawn, withdrawId] = await heldBy();
  const { via: _, ...who } = decision(withdrawn, withdrawId);
  await house.peer.publish(approvalCancelled, who);
  await soon(withdrawn, 'cancelled');
  expect((await house.row(withdrawn))['end_reason']).toBe('approval_cancelled');
  for (const [jobId, cancelled_by] of [
    [rejected, undefined],
    [expired, undefined],
    [withdrawn, { user_id: 9, username: 'lea' }],
  ] as const)
    expect((await cancelledEvent(jobId)).cancelled_by).toEqual(cancelled_by);
  // Too late for what is decided; and a waiver is no decision on a request.
  const [held, heldId] = await heldBy();
  await house.peer.publish(approvalGranted, decision(rejected, rejectId));
  await house.peer.publish(approvalGranted, decision(held, grantId));
  await house.peer.publish(approvalWaived, { job_id: held });
  await settled();
  expect(await house.status(rejected)).toBe('cancelled');
  expect(await house.status(held)).toBe('pending_approval');
  await house.peer.publish(approvalRequired, {
    ...NEED({ approval_id: heldId }),
    job_id: held,
    user_id: 1,
    username: 'ada',
    provider: 'local',
    config_name: 'held',
    hardware: 'local',
    estimated_cost_usd: 0,
  });
  await vi.waitFor(async () => expect((await house.row(held))['lease_until']).toBeNull());
});

it('cancels in every state', async () => {
  const [held] = await heldBy();
  expect((await cancel(held)).body.status).toBe('cancelled');
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const queued = await submitted();
  expect(await house.status(queued)).toBe('queued');
  expect((await cancel(queued, ada, `/api/queue/${queued}/cancel`)).body.status).toBe('cancelled');
  await house.limits({ max_concurrent: 1_000, user_max_concurrent: 1_000 });
  const dispatching = await claimed();
  expect((await cancel(dispatching)).body.status).toBe('cancelling');
  const again = await cancel(dispatching);
  expect(again.status).toBe(202);
  expect(again.body.status).toBe('cancelling');
  await vi.waitFor(() =>
    expect(
      house.peer.events(jobCancelRequested).filter(({ data }) => data.job_id === dispatching),
    ).toHaveLength(1),
  );
  await house.ended(dispatching, 'refused');
  await soon(dispatching, 'cancelled');
  const won = await running();
  await cancel(won);
  await house.ended(won, 'succeeded');
  await soon(won, 'completed');
  const stopped = await running();
  await cancel(stopped);
  await house.ended(stopped, 'cancelled');
  await soon(stopped, 'cancelled');
  for (const over of [held, queued, won, stopped]) expect((await cancel(over)).status).toBe(409);
  for (const jobId of [held, queued, dispatching, stopped])
    expect((await cancelledEvent(jobId)).cancelled_by).toEqual({
      user_id: ada.principal.user_id,
      username: 'ada',
    });
  expect((await house.row(stopped))['end_reason']).toBe('cancelled_by_user');
});

it('says of each step whose job it is: organisation and team', async () => {
  const groups = {
    org: { id: 3, slug: 'acme' },
    teams: [{ id: 5, slug: 'vision', role: 'member' as const }],
  };
  const eve = house.folk.add('researcher', { username: 'eve', ...groups });
  const of = async (who: Person): Promise<string> => {
    const jobId: string = (await house.submit(who)).body.job_id;
    await soon(jobId, 'dispatching');
    await house.started(jobId);
    await soon(jobId, 'running');
    return jobId;
  };
  const [done, broken, stopped, alone] = [await of(eve), await of(eve), await of(eve), await of(ada)];
  await house.ended(done, 'succeeded');
  await house.ended(broken, 'failed');
  await cancel(stopped, eve);
  await house.ended(stopped, 'cancelled');
  await house.ended(alone, 'succeeded');
  const cases = [
    [jobSubmitted, done],
    [jobQueued, done],
    [jobClaimed, done],
    [jobStarted, done],
    [jobCompleted, done],
    [jobFailed, broken],
    [jobCancelled, stopped],
  ] as const;
  for (const [def, jobId] of cases)
    await vi.waitFor(() =>
      expect(house.peer.events(def).find(({ data }) => data.job_id === jobId)?.data, def.name).toMatchObject({
        org_id: 3,
        team_id: 5,
      }),
    );
  await vi.waitFor(() => {
    const told = house.peer.events(jobCompleted).find(({ data }) => data.job_id === alone);
    expect(told).toBeDefined();
    expect(told!.data).not.toHaveProperty('org_id');
    expect(told!.data).not.toHaveProperty('team_id');
  });
});

it('says who cancelled a job, where somebody did', async () => {
  const jobId = await running();
  expect((await cancel(jobId, admin)).status).toBe(202);
  // Too late to be the one who did it.
  await cancel(jobId);
  await house.ended(jobId, 'cancelled');
  expect(await cancelledEvent(jobId)).toMatchObject({
    username: 'ada',
    message: 'cancelled by root',
    cancelled_by: { user_id: admin.principal.user_id, username: 'root' },
  });
  const gone = await running();
  await house.ended(gone, 'cancelled');
  expect(await cancelledEvent(gone)).not.toHaveProperty('cancelled_by');
});

it('hides the jobs of others, and cancels only for who may', async () => {
  const jobId = await running();
  const lead = house.folk.add('lead');
  const stranger = house.as(bob);
  for (const path of [`/api/cloud/jobs/${jobId}`, `/api/cloud/jobs/${jobId}/timeline`]) {
    expect((await stranger.get(path)).status).toBe(404);
    expect((await house.as(lead).get(path)).status).toBe(200);
    expect((await client(house.service.url).get(path)).status).toBe(401);
  }
  expect((await cancel(jobId, bob)).status).toBe(404);
  expect((await cancel(jobId, bob, `/api/queue/${jobId}/cancel`)).status).toBe(404);
  expect((await cancel(jobId, lead)).status).toBe(403);
  expect((await client(house.service.url).post(`/api/cloud/jobs/${jobId}/cancel`)).status).toBe(401);
  expect((await cancel('job_x')).status).toBe(400);
  expect((await cancel(`job_${'0'.repeat(32)}`, admin)).status).toBe(404);
  expect((await stranger.get('/api/cloud/jobs')).body.jobs).toEqual([]);
  expect((await stranger.get('/api/queue')).body).toEqual({
    entries: [],
    total_pending: 0,
    total_running: 0,
  });
  expect(
    (await house.as(lead).get('/api/cloud/jobs?limit=500')).body.jobs.map(
      (job: { job_id: string }) => job.job_id,
    ),
  ).toContain(jobId);
  expect((await cancel(jobId, admin)).body.status).toBe('cancelling');
});

it('pages through jobs', async () => {
  const cyd = house.folk.add('researcher');
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await house.submit(cyd)).body.job_id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const { body, status } = await house
      .as(cyd)
      .get(`/api/cloud/jobs?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    expect(body.total).toBe(5);
    seen.push(...body.jobs.map((job: { job_id: string }) => job.job_id));
    cursor = body.next_cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids.toReversed());
  expect((await house.as(cyd).get('/api/cloud/jobs?status=completed')).body).toEqual({ jobs: [], total: 0 });
  expect((await house.as(cyd).get('/api/cloud/jobs?provider=local')).body.total).toBe(5);
  for (const wrong of ['limit=0', 'limit=x', 'status=gone', 'cursor=1', 'nonsense=1'])
    expect((await house.as(cyd).get(`/api/cloud/jobs?${wrong}`)).status).toBe(400);
  // Only queued, dispatching and running jobs are of this test's user: each must have been claimed in order.
  await vi.waitFor(() =>
    expect(
      house.peer
        .events(jobClaimed)
        .map(({ data }) => data.job_id)
        .filter((id) => ids.includes(id)),
    ).toEqual(ids),
  );
});
