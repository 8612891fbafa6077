import { approvalReminder } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readConfig } from '../src/config.js';
import { openHouse, openRequest, type House } from './house.js';

let house: House;

beforeAll(async () => {
  house = await openHouse({ APPROVAL_REMIND_AFTER_HOURS: '2,5' });
});
afterAll(async () => house?.close());

const remindersOf = (id: string): number[] =>
  house.peer
    .events(approvalReminder)
    .filter(({ data }) => data.approval_id === id)
    .map(({ data }) => data.number);
const isReminded = (id: string, numbers: number[]): Promise<void> =>
  vi.waitFor(() => expect(remindersOf(id)).toEqual(numbers), { timeout: 20_000 });

it('comes as often as the setting says, while nobody decides, from one of two replicas', async () => {
  const other = await house.boot();
  try {
    const { id } = await openRequest(house);
    house.clock.advanceHours(1);
    const later = await openRequest(house);
    house.clock.advanceHours(1.1);
    await isReminded(id, [1]);
    house.clock.advanceHours(1);
    await isReminded(later.id, [1]);
    house.clock.advanceHours(2);
    await isReminded(id, [1, 2]);
    const lead = house.as(house.folk.add('lead'));
    expect((await lead.post(`/api/approvals/requests/${later.id}/approve`, {})).status).toBe(200);
    house.clock.advanceHours(5);
    // One that is opened now has its turn after all others that are due.
    const last = await openRequest(
      house,
      {},
      { expires_at: new Date(Date.now() + 80 * 3_600_000).toISOString() },
    );
    house.clock.advanceHours(2.1);
    await isReminded(last.id, [1]);
    expect([remindersOf(id), remindersOf(later.id)]).toEqual([[1, 2], [1]]);
  } finally {
    await other.close();
  }
});

it('says what is asked, and of what was missed the last alone', async () => {
  const { id, jobId } = await openRequest(house, { hardware: 'h100', org_id: 7 });
  house.clock.advanceHours(6);
  await isReminded(id, [2]);
  const reminder = house.peer.events(approvalReminder).find(({ data }) => data.approval_id === id)!;
  expect(reminder.data).toMatchObject({ job_id: jobId, hardware: 'h100', org_id: 7, rule_name: 'high_cost' });
});

it.each([
  ['0', []],
  ['0.5', [0.5]],
  ['1,2,3,4,5', [1, 2, 3, 4, 5]],
])('is set to %j', (hours, expected) => {
  expect(
    readConfig({ ...house.env, APPROVAL_REMIND_AFTER_HOURS: hours }).APPROVAL_REMIND_AFTER_HOURS,
  ).toEqual(expected);
});

it.each(['0,1', '-1', 'x', '2,1', '1,1', '1,2,3,4,5,6', '1,,2'])('is not set to %j', (hours) => {
  expect(() => readConfig({ ...house.env, APPROVAL_REMIND_AFTER_HOURS: hours })).toThrow(
    'APPROVAL_REMIND_AFTER_HOURS',
  );
});
