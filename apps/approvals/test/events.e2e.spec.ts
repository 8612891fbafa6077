import {
  approvalExpired,
  approvalGranted,
  approvalCancelled,
  approvalRejected,
  approvalRequired,
  approvalWaived,
  deadLetter,
  jobCancelled,
  jobSubmitted,
  type EventDef,
  type EventOf,
} from '@lineclear/contracts';
import { newEventId } from '@lineclear/bus';
import { openRedis } from '@lineclear/kit';
import type { Client, Person } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needAt, newJobId, openHouse, openRequest, submitted, type House } from './house.js';

let house: House;
let leadPerson: Person;
let lead: Client;

beforeAll(async () => {
  house = await openHouse();
  leadPerson = house.folk.add('lead');
  lead = house.as(leadPerson);
  const admin = house.as(house.folk.add('admin'));
  expect(
    (
      await admin.post('/api/approvals/rules', {
        name: 'high_cost',
        condition: 'cost_exceeds',
        threshold: 50,
      })
    ).status,
  ).toBe(201);
});
afterAll(async () => house?.close());

const told = <D extends EventDef>(def: D, jobId: string): EventOf<D>[] =>
  house.peer.events(def).filter((one) => (one as { data: { job_id: string } }).data.job_id === jobId);
const rowsOf = (jobId: string) =>
  house.service.database.query<{ status: string }>('select status from approval_request where job_id = $1', [
    jobId,
  ]);
const cancelledEvent = (jobId: string) => ({
  job_id: jobId,
  user_id: 900,
  username: 'ada',
  provider: 'replicate',
  config_name: 'flux-lora',
  attempt: 0,
  cost_usd: 0,
  ended_at: new Date().toISOString(),
  reason: 'cancelled_by_user' as const,
});

describe('job.submitted', () => {
  it('opens the request that came with the job and asks for approval', async () => {
    const { id, jobId } = await openRequest(house);
    await vi.waitFor(() => expect(told(approvalRequired, jobId)).toHaveLength(1));
    expect(told(approvalRequired, jobId)[0]).toMatchObject({
      subject: `job/${jobId}`,
      data: {
        approval_id: id,
        job_id: jobId,
        user_id: 900,
        username: 'ada',
        required_level: 'lead',
        estimated_cost_usd: 72,
        hardware: 'a100-80gb',
      },
    });
  });

  it('has what is asked, and each outcome, say whose it is: organisation and team', async () => {
    const groups = { org_id: 3, team_id: 5 };
    const [yes, no, back, late] = [
      await openRequest(house, groups),
      await openRequest(house, groups),
      await openRequest(house, groups),
      await openRequest(house, groups),
    ];
    const alone = await openRequest(house);
    const path = (one: { id: string }) => `/api/approvals/requests/${one.id}`;
    const theirs = house.as(house.folk.add('lead', { org: { id: 3, slug: 'acme' } }));
    for (const { status } of [
      await theirs.post(`${path(yes)}/approve`, {}),
      await lead.post(`${path(alone)}/approve`, {}),
      await theirs.post(`${path(no)}/reject`, { reason: 'dear' }),
      await theirs.post(`${path(back)}/cancel`),
    ])
      expect(status).toBe(200);
    house.clock.advanceHours(25);
    for (const [def, jobId] of [
      [approvalRequired, yes.jobId],
      [approvalGranted, yes.jobId],
      [approvalRejected, no.jobId],
      [approvalCancelled, back.jobId],
      [approvalExpired, late.jobId],
    ] as const)
      await vi.waitFor(() => expect(told(def, jobId)[0], def.name).toMatchObject({ data: groups }), {
        timeout: 20_000,
      });
    await vi.waitFor(() => expect(told(approvalGranted, alone.jobId)).toHaveLength(1));
    expect(told(approvalGranted, alone.jobId)[0]!.data).not.toHaveProperty('team_id');
  });

  it('opens one request for a rule and a secret of a job that could not be judged before, for who reaches both levels', async () => {
    const levels = [
      ['junior', 25],
      ['senior', 40],
    ] as const;
    for (const [name, priority] of levels)
      await house.folk.level(name, { priority, permissions: ['admin.approve'] });
    const jobId = newJobId();
    const secrets_needing_approval = [{ name: 'PROD_KEY', level: 'senior', scope: 'global' }];
    const facts = { estimated_cost_usd: 72, secrets_needing_approval };
    await house.peer.publish(jobSubmitted, submitted(jobId, facts, { status: 'awaiting_evaluation' }));
    await vi.waitFor(() => expect(told(approvalRequired, jobId)).toHaveLength(1));
    const { data } = told(approvalRequired, jobId)[0]!;
    expect(data).toMatchObject({
      rule_name: 'high_cost',
      reason: 'estimated cost $72.00 exceeds $50.00; the secret PROD_KEY needs an approval',
      required_level: 'lead',
      also_levels: ['senior'],
    });
    const path = `/api/approvals/requests/${data.approval_id}`;
    expect((await lead.get(path)).body).toMatchObject({ also_levels: ['senior'] });
    const refused = await lead.post(`${path}/approve`, {});
    expect(refused).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('lead and senior') },
    });
    expect((await house.as(house.folk.add('junior')).post(`${path}/approve`, {})).status).toBe(403);
    expect((await house.as(house.folk.add('senior')).post(`${path}/approve`, {})).status).toBe(200);
  });

  it('leaves jobs alone that need nothing', async () => {
    const jobId = newJobId();
    await house.peer.publish(jobSubmitted, submitted(jobId, {}, { status: 'queued' }));
    await house.settled();
    expect(await rowsOf(jobId)).toEqual([]);
    expect([...told(approvalRequired, jobId), ...told(approvalWaived, jobId)]).toEqual([]);
  });

  it('judges jobs now that could not be judged at submit', async () => {
    const dear = newJobId();
    const cheap = newJobId();
    await house.peer.publish(jobSubmitted, submitted(dear, {}, { status: 'awaiting_evaluation' }));
    await house.peer.publish(
      jobSubmitted,
      submitted(cheap, { estimated_cost_usd: 5 }, { status: 'awaiting_evaluation' }),
    );
    await vi.waitFor(() => {
      expect(told(approvalRequired, dear)[0]?.data).toMatchObject({
        rule_name: 'high_cost',
        reason: 'estimated cost $72.00 exceeds $50.00',
      });
      expect(told(approvalWaived, cheap)).toHaveLength(1);
    });
    expect((await lead.get(`/api/approvals/requests/job/${dear}`)).body.status).toBe('pending');
    expect(await rowsOf(cheap)).toEqual([]);
  });

  it('does so for a whole batch at once', async () => {
    const jobs = Array.from({ length: 300 }, (_, n) => ({ jobId: newJobId(), dear: n % 3 === 0 }));
    await Promise.all(
      jobs.map(({ jobId, dear }) =>
        house.peer.publish(
          jobSubmitted,
          submitted(jobId, { estimated_cost_usd: dear ? 60 : 1 }, { status: 'awaiting_evaluation' }),
        ),
      ),
    );
    await vi.waitFor(
      () => {
        const answers = new Map<string, string>();
        for (const def of [approvalRequired, approvalWaived])
          for (const { type, data } of house.peer.events<EventDef>(def) as {
            type: string;
            data: { job_id: string };
          }[])
            answers.set(data.job_id, (answers.get(data.job_id) ?? '') + type);
        const wanted = (dear: boolean): string => (dear ? approvalRequired.name : approvalWaived.name);
        expect(jobs.filter(({ jobId, dear }) => answers.get(jobId) !== wanted(dear))).toEqual([]);
      },
      { timeout: 20_000 },
    );
  });

  it('repeats how the request stands when the job asks again, and opens no second one', async () => {
    const jobId = newJobId();
    const data = submitted(jobId, {}, { approval: needAt(house.clock.now()) });
    const id = data.approval!.approval_id;
    await house.peer.publish(jobSubmitted, data);
    await house.peer.publish(jobSubmitted, data);
    await vi.waitFor(() => expect(told(approvalRequired, jobId).length).toBeGreaterThan(0));
    await house.settled();
    const asked = told(approvalRequired, jobId).length;
    await house.peer.publish(jobSubmitted, data);
    await vi.waitFor(() => expect(told(approvalRequired, jobId).length).toBeGreaterThan(asked));
    expect(await rowsOf(jobId)).toEqual([{ status: 'pending' }]);

    await house.settled();
    await lead.post(`/api/approvals/requests/${id}/approve`, { notes: 'ok' });
    await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(1));
    // What was said before that has arrived before it.
    const inAll = told(approvalRequired, jobId).length;
    await house.peer.publish(jobSubmitted, data);
    await vi.waitFor(() => expect(told(approvalGranted, jobId)).toHaveLength(2));
    const [first, second] = told(approvalGranted, jobId);
    expect(second!.data).toEqual(first!.data);
    expect(second!.id).not.toBe(first!.id);
    expect(told(approvalRequired, jobId)).toHaveLength(inAll);
  });

  it('tells each other outcome again too', async () => {
    const withdrawn = await openRequest(house);
    await lead.post(`/api/approvals/requests/${withdrawn.id}/cancel`);
    await house.peer.publish(jobSubmitted, submitted(withdrawn.jobId, {}, { status: 'awaiting_evaluation' }));
    await vi.waitFor(() => expect(told(approvalCancelled, withdrawn.jobId)).toHaveLength(2));
  });

  it('gives up on a request id that belongs to another job, and waives nothing', async () => {
    const { id } = await openRequest(house);
    const jobId = newJobId();
    const before = house.peer.events(deadLetter).length;
    await house.peer.publish(
      jobSubmitted,
      submitted(jobId, {}, { approval: needAt(house.clock.now(), { approval_id: id }) }),
    );
    await vi.waitFor(async () => {
      const { body } = await lead.get('/metrics');
      expect(body).toMatch(/lineclear_consumer_unacknowledged\{[^}]*\} 1/);
    });
    expect(told(approvalWaived, jobId)).toEqual([]);
    expect(await rowsOf(jobId)).toEqual([]);
    // It is tried for a minute before it is a dead letter; the request's first owner going away sets it free.
    await house.service.database.query('delete from approval_request where id = $1', [id]);
    await vi.waitFor(async () => expect(await rowsOf(jobId)).toEqual([{ status: 'pending' }]), {
      timeout: 20_000,
    });
    expect(house.peer.events(deadLetter)).toHaveLength(before);
  });

  it('goes on with the trace of the job, also when it is decided later', async () => {
    const jobId = newJobId();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const data = submitted(jobId, {}, { approval: needAt(house.clock.now()) });
    const envelope = {
      specversion: '1.0',
      id: newEventId(),
      type: 'job.submitted',
      source: 'lineclear/queue-scheduler',
      time: new Date().toISOString(),
      subject: `job/${jobId}`,
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
      data,
    };
    await house.peer.publishRaw(jobSubmitted.subject, JSON.stringify(envelope));
    await vi.waitFor(() => expect(told(approvalRequired, jobId)[0]?.traceparent).toContain(traceId));
    await lead.post(`/api/approvals/requests/${data.approval!.approval_id}/approve`);
    await vi.waitFor(() => expect(told(approvalGranted, jobId)[0]?.traceparent).toContain(traceId));
  });
});

describe('job.cancelled', () => {
  it('ends a request that waits, and says nothing back', async () => {
    const { id, jobId } = await openRequest(house);
    await house.peer.publish(jobCancelled, cancelledEvent(jobId));
    await house.settled();
    expect((await lead.get(`/api/approvals/requests/${id}`)).body).toMatchObject({
      status: 'cancelled',
      reviewed_by: null,
    });
    expect((await lead.post(`/api/approvals/requests/${id}/approve`)).status).toBe(409);
    await house.peer.publish(jobSubmitted, submitted(jobId, {}, { status: 'awaiting_evaluation' }));
    await house.settled();
    expect(told(approvalCancelled, jobId)).toEqual([]);
    expect(told(approvalRequired, jobId)).toHaveLength(1);
  });

  it('changes nothing that is decided', async () => {
    const { id, jobId } = await openRequest(house);
    await lead.post(`/api/approvals/requests/${id}/reject`, { reason: 'no' });
    await house.peer.publish(jobCancelled, cancelledEvent(jobId));
    await house.settled();
    expect((await lead.get(`/api/approvals/requests/${id}`)).body).toMatchObject({
      status: 'rejected',
      reviewed_by: leadPerson.principal.username,
    });
  });

  it('that comes before the job was heard of keeps its request from being opened', async () => {
    const jobId = newJobId();
    const total = (await lead.get('/api/approvals/requests')).body.total;
    await house.peer.publish(jobCancelled, cancelledEvent(jobId));
    await house.peer.publish(jobCancelled, cancelledEvent(jobId));
    await house.settled();
    await house.peer.publish(jobSubmitted, submitted(jobId, {}, { approval: needAt(house.clock.now()) }));
    await house.peer.publish(
      jobSubmitted,
      submitted(jobId, { estimated_cost_usd: 1 }, { status: 'awaiting_evaluation' }),
    );
    await house.settled();
    expect([
      ...told(approvalRequired, jobId),
      ...told(approvalWaived, jobId),
      ...told(approvalCancelled, jobId),
    ]).toEqual([]);
    expect((await lead.get(`/api/approvals/requests/job/${jobId}`)).status).toBe(404);
    expect((await lead.get('/api/approvals/requests')).body.total).toBe(total);
  });
});

describe('being away', () => {
  it('handles what came meanwhile when it is back', async () => {
    const { id: before } = await openRequest(house);
    await house.service.close();
    const held = newJobId();
    const free = newJobId();
    const gone = newJobId();
    await house.peer.publish(jobSubmitted, submitted(held, {}, { status: 'awaiting_evaluation' }));
    await house.peer.publish(
      jobSubmitted,
      submitted(free, { estimated_cost_usd: 1 }, { status: 'awaiting_evaluation' }),
    );
    await house.peer.publish(jobSubmitted, submitted(gone, {}, { status: 'awaiting_evaluation' }));
    await house.peer.publish(jobCancelled, cancelledEvent(gone));
    house.service = await house.boot();
    lead = house.as(leadPerson);
    await house.settled();
    await vi.waitFor(() => {
      expect(told(approvalRequired, held)).toHaveLength(1);
      expect(told(approvalWaived, free)).toHaveLength(1);
    });
    expect((await lead.get(`/api/approvals/requests/job/${gone}`)).body.status).toBe('cancelled');
    expect((await lead.post(`/api/approvals/requests/${before}/approve`)).status).toBe(200);
  });
});

describe('time', () => {
  it('ends a request, before the sweep has seen it and after, also when Redis lost everything', async () => {
    const redis = openRedis(house.backends.redis.url, house.service.log);
    await redis.connect();
    await redis.flushall();
    redis.disconnect();
    const first = await openRequest(house);
    house.clock.advanceHours(24.01);
    const late = await lead.post(`/api/approvals/requests/${first.id}/approve`);
    expect(late.status).toBe(409);
    expect(late.body.detail).toContain('expired');
    expect((await lead.get(`/api/approvals/requests/${first.id}`)).body.status).toBe('expired');
    expect((await lead.get('/api/approvals/requests?pending_only=true')).body.requests).toEqual([]);
    expect(
      (await lead.get('/api/approvals/requests?status=expired&limit=200')).body.requests.map(
        (one: { id: string }) => one.id,
      ),
    ).toContain(first.id);

    await vi.waitFor(() => expect(told(approvalExpired, first.jobId)).toHaveLength(1), { timeout: 20_000 });
    expect(await rowsOf(first.jobId)).toEqual([{ status: 'expired' }]);
    const { data } = told(approvalExpired, first.jobId)[0]!;
    expect(data.approval_id).toBe(first.id);
    // Who asks again is told the same.
    await house.peer.publish(jobSubmitted, submitted(first.jobId, {}, { status: 'awaiting_evaluation' }));
    await vi.waitFor(() =>
      expect(told(approvalExpired, first.jobId).map((one) => one.data)).toEqual([data, data]),
    );
  });

  it('goes on while Redis is away: decisions at once, expiries when it is back', async () => {
    const [first, second] = [await openRequest(house), await openRequest(house)];
    await house.backends.redis.stop();
    expect((await lead.post(`/api/approvals/requests/${first.id}/approve`)).status).toBe(200);
    house.clock.advanceHours(25);
    expect((await lead.post(`/api/approvals/requests/${second.id}/approve`)).status).toBe(409);
    await house.backends.redis.start();
    await vi.waitFor(() => expect(told(approvalExpired, second.jobId)).toHaveLength(1), { timeout: 20_000 });
  });

  it('of the service itself ends in time without Redis, and begins so again', async () => {
    await house.backends.redis.stop();
    await house.service.close();
    house.service = await house.boot();
    lead = house.as(leadPerson);
    const { id } = await openRequest(house);
    expect((await lead.post(`/api/approvals/requests/${id}/approve`)).status).toBe(200);
    await house.backends.redis.start();
  });

  it('forgets the marks of cancelled jobs when no event can need them any more', async () => {
    const jobId = newJobId();
    await house.peer.publish(jobCancelled, cancelledEvent(jobId));
    await house.settled();
    expect(await rowsOf(jobId)).toEqual([{ status: 'never_opened' }]);
    house.clock.advanceHours(24 * 9);
    await vi.waitFor(async () => expect(await rowsOf(jobId)).toEqual([]), { timeout: 20_000 });
  });
});

it('has tables that are as its entities say', async () => {
  const drift = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(drift.upQueries.map((one) => one.query)).toEqual([]);
});
