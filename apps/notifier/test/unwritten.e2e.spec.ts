import { jobCompleted } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, historyOf, newJobId, openHouse, webhookFor, type House } from './house.js';

const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  // A lease of two minutes: nothing here is sent again because one has run out.
  house = await openHouse({ DELIVERY_TIMEOUT_SECONDS: '60' });
});
afterAll(() => house?.stop());

it('writes down what was sent as soon as that can be done, before anybody would send it again', async () => {
  const { id } = await webhookFor(house, '/unwritten', 'job.completed');
  const { database } = house.service;
  // What a sequence counted stays counted when the transaction is rolled back.
  await database.query('create sequence refused');
  await database.query(
    `create function refuse() returns trigger language plpgsql
     as $$ begin perform nextval('refused'); raise exception 'not now'; end $$`,
  );
  await database.query(
    'create trigger refuse before insert on delivery_attempt for each row execute function refuse()',
  );
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(
    async () =>
      expect(await database.query('select is_called from refused')).toMatchObject([{ is_called: true }]),
    PATIENT,
  );
  await database.query('drop trigger refuse on delivery_attempt');
  await vi.waitFor(
    async () => expect(await historyOf(house, id)).toMatchObject([{ status: 'sent' }]),
    PATIENT,
  );
  expect(house.receiver.at('/unwritten')).toHaveLength(1);
});
