import {
  approvalWaived,
  evaluateJobs,
  jobClaimed,
  jobCompleted,
  jobQueued,
  jobSubmitted,
} from '@lineclear/contracts';
import { refusesBadInput, expectProblem, client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { JOB, openHouse, type House } from './house.js';

let house: House;
let ada: Person;
let lead: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
  lead = house.folk.add('lead', { username: 'lea' });
  await house.limits({ max_concurrent: 1_000, user_max_concurrent: 1_000 });
});
afterAll(() => house?.close());

const count = async (): Promise<number> => (await house.service.database.query('select 1 from jobs')).length;

it('has tables as its entities say', async () => {
  expect(
    (await house.service.database.source.driver.createSchemaBuilder().log()).upQueries.map(
      ({ query }) => query,
    ),
  ).toEqual([]);
});

it('passes on why somebody passes an approval, and only of who may', async () => {
  const bypass_approval = { reason: 'the demo is at noon' };
  expect((await house.submit(lead, { bypass_approval })).status).toBe(403);
  const admin = house.folk.add('admin', { teams: [{ id: 4, slug: 'ml', role: 'member' }] });
  const { status, body } = await house.submit(admin, { bypass_approval });
  expect(status).toBe(202);
  await vi.waitFor(() => {
    const told = house.peer.events(jobSubmitted).find(({ data }) => data.job_id === body.job_id);
    expect(told?.data.facts).toMatchObject({ bypass: bypass_approval, team_id: 4, team_ids: [4] });
  });
  expectProblem(
    await house.submit(admin, { bypass_approval: { reason: ' ' } }),
    'no reason',
    'bypass_approval',
  );
});

it('takes a job, tells of it, and claims it', async () => {
  const answer = await house.submit(ada, {
    secrets: ['HF_TOKEN'],
    labels: { team: 'nlp' },
    max_runtime_seconds: 60,
    output_path: '/out',
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  const { job_id } = answer.body;
  expect(answer.headers.get('location')).toBe(`/api/cloud/jobs/${job_id}`);
  expect(answer.body).toEqual({ job_id, status: 'queued', estimated_cost_usd: 0, warnings: [] });
  await vi.waitFor(() =>
    expect(house.peer.events(jobClaimed).map(({ data }) => data.job_id)).toContain(job_id),
  );
  const claimed = house.peer.events(jobClaimed).find(({ data }) => data.job_id === job_id);
  expect(claimed?.data).toMatchObject({
    attempt: 1,
    level: 'researcher',
    config: JOB.config,
    secrets: ['HF_TOKEN'],
    max_runtime_seconds: 60,
    output_path: '/out',
  });
  const submitted = house.peer.events(jobSubmitted).find(({ data }) => data.job_id === job_id);
  expect(submitted?.data.facts).toMatchObject({ first_job: true, jobs_last_24h: 0, username: 'ada' });
  expect(house.peer.events(jobQueued).some(({ data }) => data.job_id === job_id)).toBe(true);
  // One trace from the submit to the claim.
  expect(claimed?.traceparent).toBeTruthy();
  expect(claimed?.traceparent).toBe(submitted?.traceparent);
  const shown = await house.as(ada).get(`/api/cloud/jobs/${job_id}`);
  expect(shown.body).toMatchObject({
    job_id,
    status: 'dispatching',
    provider: 'local',
    config: JOB.config,
    labels: { team: 'nlp' },
    username: 'ada',
  });
  const steps = await house.as(ada).get(`/api/cloud/jobs/${job_id}/timeline`);
  expect(steps.body.steps.map(({ status }: { status: string }) => status)).toEqual([
    'submitted',
    'queued',
    'dispatching',
  ]);
});

it('tells how a job gets its secrets, where that is not in the variables of their names', async () => {
  const secrets = ['HF_TOKEN', 'HF_TOKEN', { name: 'DEPLOY_KEY', env: 'GIT_KEY', file: '~/.ssh/id_ed25519' }];
  const { body } = await house.submit(ada, { secrets });
  const claimOf = (jobId: string) =>
    house.peer.events(jobClaimed).find(({ data }) => data.job_id === jobId)?.data;
  await vi.waitFor(() => expect(claimOf(body.job_id as string)).toBeDefined());
  expect(claimOf(body.job_id as string)).toMatchObject({
    secrets: ['HF_TOKEN', 'DEPLOY_KEY'],
    secret_uses: [{ name: 'HF_TOKEN' }, secrets[2]],
  });
  const { body: shown } = await house.as(ada).get(`/api/cloud/jobs/${body.job_id as string}`);
  expect(shown).toMatchObject({ secrets: ['HF_TOKEN', secrets[2]] });
});

it('says of a job that ended whether it named secrets', async () => {
  const of = async (more: object): Promise<string> => (await house.submit(ada, more)).body.job_id as string;
  const [withSome, without] = [await of({ secrets: ['HF_TOKEN'] }), await of({})];
  for (const jobId of [withSome, without]) {
    await vi.waitFor(() =>
      expect(house.peer.events(jobClaimed).map(({ data }) => data.job_id)).toContain(jobId),
    );
    await house.ended(jobId);
  }
  const endOf = (jobId: string) =>
    house.peer.events(jobCompleted).find(({ data }) => data.job_id === jobId)?.data;
  await vi.waitFor(() => expect(endOf(without)).toBeDefined());
  expect(endOf(without)).not.toHaveProperty('uses_secrets');
  expect(endOf(withSome)).toMatchObject({ uses_secrets: true });
});

it('holds a job for approval', async () => {
  const { status, body } = await house.submit(ada, { config_name: 'held one' });
  expect(status).toBe(202);
  expect(body).toMatchObject({
    status: 'pending_approval',
    approval: { rule: 'high_cost', required_level: 'lead', reason: 'costs more than $50' },
  });
  await vi.waitFor(() =>
    expect(
      house.peer.events(jobSubmitted).find(({ data }) => data.job_id === body.job_id)?.data.approval
        ?.approval_id,
    ).toBe(body.approval.id),
  );
});

it('counts earlier jobs of a user, also those that come at once', async () => {
  const eve = house.folk.add('researcher');
  const seen: { jobs_last_24h: number; first_job: boolean }[] = [];
  house.peer.answer(evaluateJobs, ({ jobs }) => {
    seen.push(...jobs);
    return { verdicts: jobs.map(({ job_id }) => ({ job_id, approval: null })) };
  });
  await Promise.all(Array.from({ length: 10 }, () => house.submit(eve)));
  expect(seen.map(({ jobs_last_24h }) => jobs_last_24h).sort((a, b) => a - b)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
  expect(seen.filter(({ first_job }) => first_job)).toHaveLength(1);

  // The hour in which the last 24 began counts too, whatever part of it is over.
  await house.service.database.query(
    `insert into submissions (user_id, hour, jobs)
     select $1, date_trunc('hour', now() - n * interval '1 hour'), 5 from unnest(array[24, 26]) n`,
    [eve.principal.user_id],
  );
  await house.submit(eve);
  expect(seen.at(-1)?.jobs_last_24h).toBe(15);
  house.evaluates();
});

it('refuses what it cannot run, and writes nothing of it', async () => {
  const before = await count();
  await refusesBadInput((path, body) => house.as(ada).post(path, body), '/api/cloud/local/submit', JOB, [
    ['config_name', { ...JOB, config_name: undefined }],
    ['config_name', { ...JOB, config_name: 'x'.repeat(201) }],
    ['config', { ...JOB, config: 'x' }],
    ['config', { ...JOB, config: { ...JOB.config, shell: true } }],
    ['config.command', { ...JOB, config: { command: Array.from({ length: 201 }, () => 'x') } }],
    ['config.env', { ...JOB, config: { ...JOB.config, env: { 'NOT A NAME': 'x' } } }],
    ['config', { ...JOB, config: { command: ['x'], blob: 'x'.repeat(300_000) } }],
    ['config.command', { ...JOB, config: {} }],
    ['config.command', { ...JOB, config: { command: [] } }],
    ['config.command', { ...JOB, config: { command: 'rm -rf' } }],
    ['config.command', { ...JOB, config: { command: [1] } }],
    ['hardware', { ...JOB, hardware: 'a100' }],
    ['hardware', { ...JOB, hardware: 'constructor' }],
    ['hardware', { ...JOB, hardware: 7 }],
    ['estimated_duration_seconds', { ...JOB, estimated_duration_seconds: 0 }],
    ['estimated_duration_seconds', { ...JOB, estimated_duration_seconds: 2_592_001 }],
    ['max_runtime_seconds', { ...JOB, max_runtime_seconds: '60' }],
    ['output_path', { ...JOB, output_path: 'x'.repeat(1_001) }],
    ['secrets', { ...JOB, secrets: ['no spaces'] }],
    ['secrets', { ...JOB, secrets: 'HF_TOKEN' }],
    ['secrets', { ...JOB, secrets: [{ env: 'A' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', value: 'x' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', env: 'no-variable' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', file: '/etc/passwd' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', file: '~/bin/sh' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', file: '~/.ssh/../../x' }] }],
    ['secrets', { ...JOB, secrets: [{ name: 'A', file: '..' }] }],
    ['secrets', { ...JOB, secrets: ['A', { name: 'B', env: 'A' }] }],
    ['labels', { ...JOB, labels: { a: 1 } }],
    ['labels', { ...JOB, labels: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`l${n}`, 'x'])) }],
    ['priority', { ...JOB, priority: 'urgent' }],
    ['idempotency_key', { ...JOB, idempotency_key: '' }],
    ['idempotency_key', { ...JOB, idempotency_key: 'x'.repeat(201) }],
  ]);
  const two = await house
    .as(ada)
    .post('/api/cloud/local/submit', { ...JOB, idempotency_key: 'a' }, { 'idempotency-key': 'b' });
  expectProblem(two, 'two keys', 'idempotency_key');
  expect(two.status).toBe(400);
  expectProblem(
    await house.as(ada).post('/api/cloud/local/submit', JOB, { 'idempotency-key': 'x'.repeat(300) }),
    'long header',
    'Idempotency-Key',
  );
  expect((await house.as(ada).post('/api/cloud/nowhere/submit', JOB)).status).toBe(404);
  expect((await house.as(ada).post('/api/cloud/UP%20/submit', JOB)).status).toBe(400);
  expect(await count()).toBe(before);
});

it('asks for permissions', async () => {
  expect((await client(house.service.url).post('/api/cloud/local/submit', JOB)).status).toBe(401);
  expect((await house.submit(house.folk.add('viewer'))).status).toBe(403);
  expect((await house.submit(ada, { priority: 'high' })).status).toBe(403);
  expect((await house.submit(lead, { priority: 'high' })).status).toBe(202);
});

it('makes one job of eight parallel submits with one key', async () => {
  const before = await count();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => house.submit(ada, { idempotency_key: 'once' })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
  expect(new Set(answers.map(({ body }) => body.job_id)).size).toBe(1);
  expect(await count()).toBe(before + 1);
  // The order of keys in JSON means nothing; the header is as good as the field.
  const again = await house
    .as(ada)
    .post(
      '/api/cloud/local/submit',
      { hardware: JOB.hardware, config: JOB.config, config_name: JOB.config_name },
      { 'idempotency-key': 'once' },
    );
  expect(again.body.job_id).toBe(answers[0]?.body.job_id);
  const other = await house.submit(ada, { config_name: 'other', idempotency_key: 'once' });
  expect(other.status).toBe(422);
  expectProblem(other, 'other body', 'idempotency_key');
  const lea = await house.submit(lead, { idempotency_key: 'once' });
  expect(lea.status).toBe(202);
  expect(lea.body.job_id).not.toBe(answers[0]?.body.job_id);
});

it('makes one job of one key on two replicas, and forgets a key after a day', async () => {
  const replica = await house.replica();
  for (let n = 0; n < 5; n += 1) {
    const urls = [house.service.url, replica.url];
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        client(urls[i % 2]!, ada.token).post('/api/cloud/local/submit', {
          ...JOB,
          idempotency_key: `both ${n}`,
        }),
      ),
    );
    expect(
      new Set(answers.map(({ body }) => body.job_id)).size,
      JSON.stringify(answers.map(({ body }) => body)),
    ).toBe(1);
  }
  await house.service.database.query(
    `update idempotency_keys set created_at = now() - interval '25 hours' where key = 'both 0'`,
  );
  await vi.waitFor(
    async () =>
      expect(
        await house.service.database.query(`select 1 from idempotency_keys where key = 'both 0'`),
      ).toEqual([]),
    { timeout: 20_000 },
  );
  expect(
    await house.service.database.query(`select 1 from idempotency_keys where key = 'both 1'`),
  ).toHaveLength(1);
});

it('makes one job with one slot of a key that two replicas have seen to be free', async () => {
  const { database } = house.service;
  const replica = await house.replica();
  const number = async (sql: string): Promise<number> =>
    (await database.query<{ n: number }>(`select ${sql} as n`))[0]?.n ?? 0;
  const counted = '(select sum(jobs) from submissions)';
  const before = await number(counted);
  // Nobody gets in before both have counted their submit, so looked for its key.
  const answers = await database.tx(async (tx) => {
    await tx.query(`select from slots where scope = 'house' for update`);
    const both = [house.service.url, replica.url].map((url) =>
      client(url, ada.token).post('/api/cloud/local/submit', { ...JOB, idempotency_key: 'raced' }),
    );
    await vi.waitFor(async () => expect(await number(counted)).toBe(before + 2));
    return both;
  });
  const given = await Promise.all(answers);
  expect(given.map(({ status }) => status)).toEqual([202, 202]);
  const [id, other] = given.map(({ body }) => body.job_id as string);
  expect(other).toBe(id);
  expect(await number(`(select count(*) from ledger where job_id = '${id}')`)).toBe(1);
  expect(await number(`(select running from slots where scope = 'house')`)).toBe(
    await number(`(select count(*) from jobs where state in ('dispatching', 'running', 'cancelling'))`),
  );
  await vi.waitFor(() =>
    expect(house.peer.events(jobClaimed).filter(({ data }) => data.job_id === id)).toHaveLength(1),
  );
});

it('stores jobs unevaluated while approvals is away, and queues them when it is back', async () => {
  house.peer.stopAnswering(evaluateJobs);
  const { status, body } = await house.submit(ada);
  expect(status).toBe(202);
  expect(body.status).toBe('awaiting_evaluation');
  expect(body.warnings).toHaveLength(1);
  expect(await house.status(body.job_id)).toBe('awaiting_evaluation');
  house.evaluates();
  await house.peer.publish(approvalWaived, { job_id: body.job_id });
  await vi.waitFor(async () => expect(await house.status(body.job_id)).toBe('dispatching'));
});

it('lets nobody in whom auth does not vouch for', async () => {
  const late = house.folk.add('researcher');
  house.folk.down();
  expect((await house.submit(late)).status).toBe(503);
  house.folk.up();
});
