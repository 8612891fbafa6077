import { jobSubmitted, type JobFacts } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { expect, it } from 'vitest';
import { houseOfRules, newJobId, submitted, verdictOf } from './house.js';

const opened = houseOfRules();

const dear = {
  name: 'dear a100',
  condition: 'expression',
  threshold: 'job.estimated_cost_usd > 50.0 && job.hardware.startsWith("a100")',
};

const verdict = (facts?: Partial<JobFacts>) => verdictOf(opened.house, facts);

it('holds what its expression is true of', async () => {
  const made = await opened.admin.post('/api/approvals/rules', dear);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject(dear);
  expect(await verdict()).toMatchObject({
    rule_id: made.body.id,
    reason: `the expression ${dear.threshold} is true`,
  });
  expect(await verdict({ estimated_cost_usd: 50 })).toBeNull();
  expect(await verdict({ hardware: 'h100' })).toBeNull();

  const threshold = `job.hardware == "h100" || job.username == "${'x'.repeat(1_950)}"`;
  expect(
    (await opened.admin.patch(`/api/approvals/rules/${made.body.id}`, { threshold })).body,
  ).toMatchObject({
    threshold,
  });
  expect(await verdict()).toBeNull();
  expect((await verdict({ hardware: 'h100' }))?.rule_id).toBe(made.body.id);
});

it('holds a job though what is shown of it ends within a character', async () => {
  const { house, admin } = opened;
  const names = (before: number) => `job.hardware != "${'x'.repeat(before)}${'😀'.repeat(80)}"`;
  for (const before of [100, 101]) {
    const { body } = await admin.post('/api/approvals/rules', { ...dear, threshold: names(before) });
    const jobId = newJobId();
    await house.peer.publish(jobSubmitted, submitted(jobId, {}, { status: 'awaiting_evaluation' }));
    await house.settled();
    const request = (await admin.get(`/api/approvals/requests/job/${jobId}`)).body;
    expect(request).toMatchObject({ rule_id: body.id, reason: expect.stringContaining('😀...') });
    await admin.delete(`/api/approvals/rules/${body.id}`);
  }
});

it('is refused where it cannot be right, and says why', async () => {
  const { body } = await opened.admin.post('/api/approvals/rules', dear);
  const wrong: [threshold: unknown, why: RegExp][] = [
    ['job.estimated_cost_usd >', /1:24/],
    ['job.cost > 50', /knows no job\.cost: job has .*estimated_cost_usd/],
    ['job.hardware > 5', /no matching overload/],
    ['job.hardware', /neither true nor false/],
    [`job.username == "${'x'.repeat(2_000)}"`, /./],
    [50, /neither true nor false/],
    [null, /is needed by expression/],
  ];
  for (const [threshold, why] of wrong) {
    for (const answer of [
      await opened.admin.post('/api/approvals/rules', { ...dear, threshold }),
      await opened.admin.patch(`/api/approvals/rules/${body.id}`, { threshold }),
    ]) {
      expectProblem(answer, String(threshold), 'threshold');
      expect(JSON.stringify(answer.body)).toMatch(why);
    }
  }
  expect((await opened.admin.get('/api/approvals/rules')).body).toEqual({ rules: [body], total: 1 });
});

it('holds a job that it fails for, says so, and counts it', async () => {
  const { body } = await opened.admin.post('/api/approvals/rules', {
    ...dear,
    threshold: '100 / job.jobs_last_24h > 1000',
  });
  expect(await verdict({ jobs_last_24h: 1 })).toBeNull();
  expect(await verdict({ jobs_last_24h: 0 })).toMatchObject({
    rule_id: body.id,
    reason: 'the expression failed: int divide by zero',
  });
  const metrics: string = (await opened.admin.get('/metrics')).body;
  expect(metrics).toMatch(
    new RegExp(`^lineclear_approval_rule_errors_total\\{.*rule_id="${body.id}".*\\} 1$`, 'm'),
  );
});

it('is in so many active rules and no more, whoever adds them at once', async () => {
  const rule = (n: number) => ({ ...dear, name: `rule ${n}`, is_active: n < 98 });
  const ids: number[] = [];
  for (let n = 0; n < 102; n += 1)
    ids.push((await opened.admin.post('/api/approvals/rules', rule(n))).body.id);
  const paths = ids.slice(98).map((id) => `/api/approvals/rules/${id}`);
  const answers = await Promise.all(paths.map((path) => opened.admin.patch(path, { is_active: true })));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 409, 409]);
  expect((await opened.admin.post('/api/approvals/rules', dear)).status).toBe(409);
  expect((await opened.admin.get('/api/approvals/rules?active_only=true')).body.total).toBe(100);
  const other = { name: 'dear', condition: 'cost_exceeds', threshold: 50 };
  expect((await opened.admin.post('/api/approvals/rules', other)).status).toBe(201);
});
