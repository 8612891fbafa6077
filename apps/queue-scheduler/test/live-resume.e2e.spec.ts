import { request, type IncomingMessage } from 'node:http';
import { Bus, EVENTS_STREAM } from '@lineclear/bus';
import { jobQueued } from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { LiveHub } from '../src/live/live-hub.js';
import { follow, kinds, type Listener } from './follow.js';
import { openHouse, type House } from './house.js';

const KEPT = 60;
const CONNECTIONS = 300;
let house: House;
let ada: Person;
let lead: Person;
const open: { stop(): void }[] = [];

beforeAll(async () => {
  house = await openHouse({
    LINECLEAR_EVENTS_KEPT: String(KEPT),
    LINECLEAR_EVENTS_CONNECTIONS: String(CONNECTIONS),
    LINECLEAR_EVENTS_CONNECTIONS_PER_USER: '3',
    LINECLEAR_EVENTS_HEARTBEAT_SECONDS: '0.5',
  });
  ada = house.folk.add('researcher');
  lead = house.folk.add('lead');
});
afterEach(async () => {
  for (const one of open.splice(0)) one.stop();
  await vi.waitFor(() => expect(house.service.app.get(LiveHub).size).toBe(0));
});
afterAll(() => house?.close());

const listen = async (person: Person, last?: string, url = house.service.url): Promise<Listener> => {
  const listener = await follow(url, person, last);
  open.push(listener);
  return listener;
};
const submit = async (person: Person): Promise<string> => (await house.submit(person)).body.job_id as string;
const sees = (listener: Listener, jobId: string) =>
  vi.waitFor(() => expect(kinds(listener, jobId)).toContain('job.queued'));
/** An event of a job that nobody has to submit. */
const tellOf = (owner: Person, jobId: string) =>
  house.peer.publish(jobQueued, {
    job_id: jobId,
    user_id: owner.principal.user_id,
    ...(owner.principal.org ? { org_id: owner.principal.org.id } : {}),
    username: owner.principal.username,
    provider: 'local',
    config_name: 'tiny',
  });
/** One that fills what lies between here and a reader. */
const tellMuchOf = (owner: Person, jobId: string) =>
  house.peer.publishRaw(
    jobQueued.subject,
    JSON.stringify({
      id: jobId,
      type: jobQueued.name,
      time: new Date().toISOString(),
      data: { job_id: jobId, user_id: owner.principal.user_id, more: 'x'.repeat(100_000) },
    }),
  );
const jobOf = (n: number): string => `job_${n.toString(16).padStart(32, '0')}`;

it('shows on another replica what was missed meanwhile, each event once and in order', async () => {
  const first = await listen(ada);
  const before = await submit(ada);
  await sees(first, before);
  first.stop();
  const missed = [await submit(ada), await submit(ada)];
  const { url } = await house.replica();
  const second = await listen(ada, first.lastEventId, url);
  const after = await submit(ada);
  await sees(second, after);
  for (const jobId of missed) expect(kinds(second, jobId)).toContain('job.submitted');
  const ids = [...first.seen, ...second.seen].map(({ at }) => at);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  second.stop();
});

it('knows how far somebody is who has seen nothing at all', async () => {
  const first = await listen(ada);
  await vi.waitFor(() => expect(first.lastEventId).toBeDefined());
  first.stop();
  const missed = await submit(ada);
  await sees(await listen(ada, first.lastEventId), missed);
});

it('shows of what was missed what one may see now, not what one might have seen then', async () => {
  const temp = house.folk.add('lead');
  const witness = await listen(lead);
  const first = await listen(temp);
  const before = await submit(ada);
  await sees(first, before);
  first.stop();
  const missed = await submit(ada);
  await sees(witness, missed);
  const watching = await listen(temp);
  await house.folk.change(temp, ['job.view.own']);
  // From then on it is known here: a stream that began before would be let go later.
  await vi.waitFor(() => expect(watching.ended).toBe(true));
  const second = await listen(temp, first.lastEventId);
  await tellOf(temp, jobOf(1));
  await sees(second, jobOf(1));
  expect(kinds(second, missed)).toEqual([]);
});

it('answers an id that is too old with reset, and one within what is kept with what came since', async () => {
  const first = await listen(ada);
  await tellOf(ada, jobOf(100));
  await sees(first, jobOf(100));
  first.stop();
  for (let n = 1; n < KEPT; n += 1) await tellOf(ada, jobOf(100 + n));
  const witness = await listen(ada);
  await tellOf(ada, jobOf(200));
  await sees(witness, jobOf(200));
  const inTime = await listen(ada, first.lastEventId);
  await sees(inTime, jobOf(200));
  expect(inTime.seen.map(({ event }) => event)).toEqual(Array(KEPT).fill('job.queued'));
  inTime.stop();

  await tellOf(ada, jobOf(201));
  await sees(witness, jobOf(201));
  const late = await listen(ada, first.lastEventId);
  await tellOf(ada, jobOf(202));
  await sees(late, jobOf(202));
  expect(late.seen.map(({ event }) => event)).toEqual(['reset', 'job.queued']);
});

it('says so with reset when the stream was lost, though its numbers come again', async () => {
  const first = await listen(ada);
  const before = await submit(ada);
  await sees(first, before);
  const { connection } = house.service.app.get(Bus);
  await (await jetstreamManager(connection)).streams.delete(EVENTS_STREAM);
  await vi.waitFor(() => expect(first.ended).toBe(true), { timeout: 40_000 });
  let again: Listener | undefined;
  await vi.waitFor(
    async () => {
      again?.stop();
      again = await listen(ada, first.lastEventId);
      await vi.waitFor(() => expect(again?.seen[0]?.event).toBe('reset'), { timeout: 500 });
    },
    { timeout: 40_000 },
  );
}, 90_000);

it('does not let one who does not read have memory: that one is let go, and told when coming back', async () => {
  const stuck = await silent(lead);
  open.push({ stop: () => stuck.destroy() });
  const witness = await listen(lead);
  const hub = house.service.app.get(LiveHub);
  const first = (await vi.waitFor(() => {
    expect(witness.lastEventId).toBeDefined();
    return witness.lastEventId;
  }))!;
  for (let n = 0; n < 3 * KEPT && hub.size > 1; n += 1) {
    await tellMuchOf(lead, jobOf(1_000 + n));
    await sees(witness, jobOf(1_000 + n));
  }
  await vi.waitFor(() => expect(hub.size).toBe(1));
  stuck.destroy();
  expect(witness.ended).toBe(false);
  const back = await listen(lead, first);
  await vi.waitFor(() => expect(back.seen[0]?.event).toBe('reset'));
}, 60_000);

it('sends a sign of life while nothing happens', async () => {
  const listener = await listen(ada);
  await vi.waitFor(() => expect(listener.comments).toBeGreaterThan(1));
});

it('has room for so many of one person and so many in all, and shows one event to all of them', async () => {
  for (let n = 0; n < 3; n += 1) await listen(ada);
  const refused = await house.as(ada).get('/api/events');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
  expect(refused.body).toMatchObject({ code: 'no_room', detail: 'you have 3 event streams open already' });
  open.splice(0).forEach((one) => one.stop());
  await vi.waitFor(() => expect(house.service.app.get(LiveHub).size).toBe(0));

  const leads = Array.from({ length: CONNECTIONS / 3 }, () => house.folk.add('lead'));
  const listeners: Listener[] = [];
  for (const person of leads)
    listeners.push(...(await Promise.all([listen(person), listen(person), listen(person)])));
  expect((await house.as(ada).get('/api/events')).body).toMatchObject({
    code: 'no_room',
    detail: `${CONNECTIONS} event streams are open here: try again, or another replica`,
  });
  const jobId = await submit(ada);
  await Promise.all(listeners.map((listener) => sees(listener, jobId)));
  const { body } = await house.as(ada).get('/api/cloud/metrics/prometheus');
  expect(body).toMatch(new RegExp(`^lineclear_event_streams_open\\{.*\\} ${CONNECTIONS}$`, 'm'));
  listeners[0]!.stop();
  await vi.waitFor(() => expect(house.service.app.get(LiveHub).size).toBe(CONNECTIONS - 1));
  await listen(ada);
}, 60_000);

/** Follows events and never reads. */
async function silent(person: Person): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(`${house.service.url}/api/events`, {
      headers: { authorization: `Bearer ${person.token}` },
    });
    asked.once('response', (response) => {
      response.pause();
      response.on('error', () => undefined);
      resolve(response);
    });
    asked.once('error', reject);
    asked.end();
  });
}
