import { deadLetter, jobSubmitted } from '@lineclear/contracts';
import type { RunningService } from '@lineclear/kit';
import { client, people, type Peer } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Bus, newEventId } from './index.js';
import { JOB, Notes, openNotes, submitted, type NotesHouse } from './notes.fixture.js';

let house: NotesHouse;
let service: RunningService;
let peer: Peer;
let notesOf: NotesHouse['notesOf'];

beforeAll(async () => {
  house = await openNotes();
  ({ service, peer, notesOf } = house);
});
afterAll(() => house?.close());

it('lists no dead letters where there are none', async () => {
  const http = client(service.url, (await people(peer)).add('admin').token);
  expect((await http.get('/api/system/dead-letters/approvals')).body).toEqual({ items: [] });
});

it('lets one bad message hold up nobody, buries it, says so, and replays it', async () => {
  Notes.poison.add(JOB(7));
  await Promise.all([6, 7, 8].map((n) => peer.publish(jobSubmitted, submitted(n))));
  await vi.waitFor(async () =>
    expect([await notesOf(6), await notesOf(7), await notesOf(8)]).toEqual([1, 0, 1]),
  );

  await peer.publishRaw(
    jobSubmitted.subject,
    JSON.stringify({ specversion: '1.0', type: 'job.submitted', data: {} }),
  );
  const admin = (await people(peer)).add('admin');
  const http = client(service.url, admin.token);
  await vi.waitFor(
    async () =>
      expect((await http.get('/api/system/dead-letters/approvals')).body.items.length).toBeGreaterThan(0),
    { timeout: 20_000 },
  );
  const { body } = await http.get('/api/system/dead-letters/approvals');
  expect(body.items[0]).toMatchObject({
    event_type: 'job.submitted',
    reason: expect.stringContaining('broke its contract'),
  });
  await vi.waitFor(() => expect(peer.events(deadLetter)).toHaveLength(1));
  expect((await http.delete(`/api/system/dead-letters/approvals/${body.items[0].id}`)).status).toBe(200);
  expect((await http.delete(`/api/system/dead-letters/approvals/${body.items[0].id}`)).status).toBe(404);
  expect((await http.get('/api/system/dead-letters/approvals')).body.items).toHaveLength(0);

  Notes.poison.clear();
  await vi.waitFor(async () => expect(await notesOf(7)).toBe(1), { timeout: 20_000 });
});

it('replays a dead letter to this service alone', async () => {
  await peer.publishRaw('replay.approvals', JSON.stringify({ nonsense: true }));
  const http = client(service.url, (await people(peer)).add('admin').token);
  await vi.waitFor(async () =>
    expect((await http.get('/api/system/dead-letters/approvals')).body.items).toHaveLength(1),
  );
  const [letter] = (await http.get('/api/system/dead-letters/approvals')).body.items;
  expect((await http.post(`/api/system/dead-letters/approvals/${letter.id}/replay`)).status).toBe(202);
  await vi.waitFor(async () => {
    const [again] = (await http.get('/api/system/dead-letters/approvals')).body.items;
    expect(again?.id).toBeGreaterThan(letter.id);
  });
});

it('keeps the name of a letter that dies again, and lists page by page among those of others', async () => {
  const [admin, bus] = [(await people(peer)).add('admin'), service.app.get(Bus)];
  const http = client(service.url, admin.token);
  const path = '/api/system/dead-letters/approvals';
  const before = (await http.get(path)).body.items.length;
  const id = await newBroken();
  await vi.waitFor(async () => expect((await http.get(path)).body.items[0].event_id).toBe(id));
  const [first] = (await http.get(path)).body.items;
  expect((await http.post(`${path}/${first.id}/replay`)).status).toBe(202);
  await vi.waitFor(async () => expect((await http.get(path)).body.items[0].id).toBeGreaterThan(first.id));
  expect((await http.get(path)).body.items[0]).toMatchObject({ event_type: 'job.submitted', event_id: id });
  // Other services' letters lie between.
  await bus.publisher.publish(
    Array.from({ length: 30 }, (_, n) => ({ subject: 'dead.secrets.x', id: `foreign-${n}`, body: '{}' })),
  );
  const last = await newBroken();
  await vi.waitFor(async () => expect((await http.get(`${path}?limit=1`)).body.items[0].event_id).toBe(last));
  const seen: string[] = [];
  for (let cursor: number | undefined; ;) {
    const query: string = cursor === undefined ? '?limit=1' : `?limit=1&cursor=${cursor}`;
    const { body } = await http.get(path + query);
    seen.push(...body.items.map((item: { event_id: string }) => item.event_id));
    cursor = body.next_cursor;
    if (cursor === undefined) break;
  }
  expect(seen).toHaveLength(before + 2);
  expect(seen.slice(0, 2)).toEqual([last, id]);

  async function newBroken(): Promise<string> {
    const broken = newEventId();
    await peer.publishRaw(
      jobSubmitted.subject,
      JSON.stringify({ specversion: '1.0', id: broken, type: 'job.submitted', data: {} }),
    );
    return broken;
  }
});

it('is closed to strangers, to small keys, and to everyone when auth is away', async () => {
  const folk = await people(peer);
  const path = '/api/system/dead-letters/approvals';
  expect((await client(service.url).get(path)).status).toBe(401);
  expect((await client(service.url, 'lc_unknown').get(path)).status).toBe(401);
  expect((await client(service.url, folk.add('lead').token).get(path)).status).toBe(403);
  const admin = folk.add('admin');
  expect((await client(service.url, admin.token).get(path)).status).toBe(200);
  await folk.change(admin, []);
  await vi.waitFor(async () => expect((await client(service.url, admin.token).get(path)).status).toBe(403));
  const late = folk.add('admin');
  folk.down();
  expect((await client(service.url, late.token).get(path)).status).toBe(503);
});
