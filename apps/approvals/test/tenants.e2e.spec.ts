import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, openRequest, type House } from './house.js';

let house: House;
const ACME = { id: 1, slug: 'acme' };
const GLOBEX = { id: 2, slug: 'globex' };

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

it('shows requests to, and takes decisions from, those of the same organisation alone', async () => {
  const { folk } = house;
  const requests = {
    acme: await openRequest(house, { org_id: 1 }),
    globex: await openRequest(house, { org_id: 2 }),
    none: await openRequest(house),
  };
  const people: [Person, (keyof typeof requests)[]][] = [
    [folk.add('lead', { org: ACME }), ['acme']],
    [folk.add('lead', { org: GLOBEX }), ['globex']],
    [folk.add('lead'), ['none']],
    [folk.add('admin', { org: GLOBEX }), ['acme', 'globex', 'none']],
  ];
  for (const [person, seen] of people) {
    const http = house.as(person);
    const list = (await http.get('/api/approvals/requests')).body;
    expect(list.requests.map(({ id }: { id: string }) => id).sort()).toEqual(
      seen.map((org) => requests[org].id).sort(),
    );
    expect([list.total, list.pending_count]).toEqual([seen.length, seen.length]);
    expect((await http.get('/api/approvals/requests/pending/count')).body.pending_count).toBe(seen.length);
    for (const [org, { id, jobId }] of Object.entries(requests)) {
      const isSeen = seen.some((one) => one === org);
      expect((await http.get(`/api/approvals/requests/${id}`)).status).toBe(isSeen ? 200 : 404);
      expect((await http.get(`/api/approvals/requests/job/${jobId}`)).status).toBe(isSeen ? 200 : 404);
      if (isSeen) continue;
      expect((await http.post(`/api/approvals/requests/${id}/approve`, {})).status).toBe(404);
      expect((await http.post(`/api/approvals/requests/${id}/reject`, { reason: 'no' })).status).toBe(404);
      expect((await http.post(`/api/approvals/requests/${id}/cancel`)).status).toBe(404);
    }
  }
  const [[lead]] = people as [[Person, string[]]];
  const approved = await house.as(lead).post(`/api/approvals/requests/${requests.acme.id}/approve`, {});
  expect([approved.status, approved.body.status]).toEqual([200, 'approved']);
});
