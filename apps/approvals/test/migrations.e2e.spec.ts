import type { QueryRunner } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StagesAndVotes1795800000000 } from '../src/db/migrations/1795800000000-stages-and-votes.js';
import { AbsencesAndEscalation1795800000001 } from '../src/db/migrations/1795800000001-absences-and-escalation.js';
import { LinksInMails1795800000002 } from '../src/db/migrations/1795800000002-links-in-mails.js';
import { StandingAndBypassed1795800000003 } from '../src/db/migrations/1795800000003-standing-and-bypassed.js';
import { openHouse, openRequest, type House } from './house.js';

let house: House;
const later = [
  new StagesAndVotes1795800000000(),
  new AbsencesAndEscalation1795800000001(),
  new LinksInMails1795800000002(),
  new StandingAndBypassed1795800000003(),
];

beforeAll(async () => {
  house = await openHouse();
});
afterAll(async () => house?.close());

it('requests from before there were stages take one person of the levels that they asked for', async () => {
  const people = house.folk.add('lead');
  let lead = house.as(people);
  const waiting = await openRequest(house, {}, { required_level: 'lead', also_levels: ['senior'] });
  const [yes, no] = [await openRequest(house), await openRequest(house)];
  await lead.post(`/api/approvals/requests/${yes.id}/approve`, { notes: 'fine' });
  await lead.post(`/api/approvals/requests/${no.id}/reject`, { reason: 'dear' });
  const shown = async (): Promise<unknown[]> =>
    Promise.all(
      [waiting, yes, no].map(async ({ id }) => (await lead.get(`/api/approvals/requests/${id}`)).body),
    );
  const before = await shown();
  expect(before).toMatchObject([
    { required_level: 'lead', also_levels: ['senior'], status: 'pending' },
    { votes: [{ vote: 'approved', notes: 'fine' }] },
    { votes: [{ vote: 'rejected', notes: 'dear' }] },
  ]);
  await house.service.database.tx(async (tx) => {
    const runner = { query: (sql: string) => tx.query(sql) } as unknown as QueryRunner;
    for (const migration of later.toReversed()) await migration.down(runner);
    for (const migration of later) await migration.up(runner);
  });
  // Its connections know the tables as they were.
  await house.service.close();
  house.service = await house.boot();
  lead = house.as(people);
  expect(await shown()).toEqual(before);
});
