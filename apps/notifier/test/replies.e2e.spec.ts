import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

const EXPLAIN = '/api/cloud/notifications/replies/explain';
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

it('tells how a reply would be read, and why', async () => {
  const quote = 'On Mon, 23 Nov 2026 at 10:12, Lineclear <approvals+b.1@lineclear.test> wrote:\n\n> Reject';
  const our_address = 'approvals@lineclear.test';
  expect(
    await house.admin.post(EXPLAIN, { text: `Approved, run it\n\n${quote}`, our_address }),
  ).toMatchObject({
    status: 200,
    body: { outcome: 'approve', comment: 'run it', own_text: 'Approved, run it' },
  });
  const { body: no } = await house.admin.post(EXPLAIN, { html: '<p>Abgelehnt, da zu teuer</p>' });
  expect(no).toEqual({ outcome: 'reject', comment: 'da zu teuer', own_text: 'Abgelehnt, da zu teuer' });
  const { body: unclear } = await house.admin.post(EXPLAIN, { text: 'Approve, but not today' });
  expect(unclear).toMatchObject({ outcome: 'unclear', why: 'an approval does not go with "but"' });
  const { body: machine } = await house.admin.post(EXPLAIN, {
    text: 'Approve',
    headers: { 'Auto-Submitted': 'auto-replied' },
  });
  expect(machine).toEqual({ outcome: 'auto_reply', why: 'Auto-Submitted: auto-replied' });
});

it('refuses what is no reply, and whoever does not configure', async () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x-${n}`, 'a']));
  await refusesBadInput(house.admin.post, EXPLAIN, { text: 'Approve' }, [
    ['text', {}],
    ['text', { text: 'x'.repeat(20_001) }],
    ['text', { text: 7 }],
    ['html', { html: 'x'.repeat(256_001) }],
    ['headers', { text: 'Approve', headers: many }],
    ['our_address', { text: 'Approve', our_address: 'nobody' }],
  ]);
  const { token } = house.folk.add('researcher');
  expect((await house.as(token).post(EXPLAIN, { text: 'Approve' })).status).toBe(403);
});
