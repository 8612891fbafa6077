import { approvalGranted, auditRecorded, deciderNow, replyToken } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { client, refusesBadInput, type Answer, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHouse, openRequest, type House } from './house.js';

const LINKS = '/api/approvals/links';
let house: House;
let lead: Person;
let admin: Client;
let anybody: Client;
let people: Person[];

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  const boss = folk.add('admin');
  [lead, admin] = [folk.add('lead'), house.as(boss)];
  people = [lead, boss];
  anybody = client(house.service.url);
  house.peer.answer(deciderNow, ({ user_id }) => ({
    decider: people.find(({ principal }) => principal.user_id === user_id)?.principal ?? null,
  }));
});
afterAll(async () => house?.close());
beforeEach(() => admin.put('/api/approvals/settings', { link_login_above_usd: null }));

async function tokensOf(id: string, person = lead): Promise<{ reply: string; link: string }> {
  const key = new SealingKey();
  const question = { approval_id: id, user_id: person.principal.user_id, public_key: key.publicKey };
  const { box, link_box } = await house.peer.ask(replyToken, { ...question, with_link: true });
  return { reply: await key.open(box!), link: await key.open(link_box!) };
}
const show = (token: string): Promise<Answer> => anybody.post(`${LINKS}/show`, { token });
const decide = (token: string, nonce: string, more: object = {}): Promise<Answer> =>
  anybody.post(`${LINKS}/decide`, { token, nonce, decision: 'approve', ...more });
const statusOf = async (id: string): Promise<string> =>
  (await admin.get(`/api/approvals/requests/${id}`)).body.status;

describe('the link of an approval mail', () => {
  it('leads to a page that has nothing of the request, shows it when it is looked at, and decides when it is told to', async () => {
    const { id, jobId } = await openRequest(house, { config_name: 'sdxl <b>full</b>' });
    const { link } = await tokensOf(id);
    const page = await fetch(`${house.service.url}${LINKS}`);
    expect([page.status, page.headers.get('cache-control'), page.headers.get('referrer-policy')]).toEqual([
      200,
      'no-store',
      'no-referrer',
    ]);
    expect(page.headers.get('content-security-policy')).toContain(`default-src 'none'`);
    expect(await page.text()).not.toContain('innerHTML');

    const shown = await show(link);
    expect(shown.body).toMatchObject({ request_id: id, needs_login: false, nonce: expect.any(String) });
    expect(shown.body.facts).toEqual(
      expect.arrayContaining([
        { name: 'Asked by', value: 'ada' },
        { name: 'Config', value: 'sdxl <b>full</b>' },
        { name: 'Estimated cost', value: '$72.00' },
        { name: 'Job', value: jobId },
      ]),
    );
    expect(await statusOf(id)).toBe('pending');

    const decided = await decide(link, shown.body.nonce, { comment: 'go' });
    expect([decided.status, decided.body]).toEqual([200, { request_id: id, status: 'approved' }]);
    const { user_id, username } = lead.principal;
    const told = await vi.waitFor(() => {
      const found = house.peer.events(approvalGranted).find(({ data }) => data.approval_id === id);
      expect(found).toBeDefined();
      return found!.data;
    });
    expect(told).toMatchObject({ by_user_id: user_id, by: username, via: 'link', notes: 'go' });
    const entry = house.peer
      .events(auditRecorded)
      .find(({ data }) => data.target === `approval/${id}` && data.action === 'approval.approved');
    expect(entry?.data).toMatchObject({ by: 'person', actor: { user_id, via: 'link' } });
  });

  it('rejects, for a reason', async () => {
    const { id } = await openRequest(house);
    const { link } = await tokensOf(id);
    const { nonce } = (await show(link)).body;
    expect((await decide(link, nonce, { decision: 'reject' })).status).toBe(400);
    expect((await decide(link, nonce, { decision: 'reject', comment: 'dear' })).body.status).toBe('rejected');
  });

  it('decides once, by what the last look gave, for ten minutes', async () => {
    const { id } = await openRequest(house);
    const { link } = await tokensOf(id);
    const [first, second] = [(await show(link)).body.nonce, (await show(link)).body.nonce];
    expect(first).not.toBe(second);
    const old = await decide(link, first);
    expect([old.status, old.body.detail]).toEqual([
      409,
      'this page is too old: open the link of the mail once more',
    ]);
    expect((await decide(link, 'guessed')).status).toBe(409);
    house.clock.advanceHours(0.2);
    expect((await decide(link, second)).status).toBe(409);
    expect(await statusOf(id)).toBe('pending');
    const { nonce } = (await show(link)).body;
    const answers = await Promise.all([1, 2, 3].map(() => decide(link, nonce)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    const again = await show(link);
    expect([again.status, again.body.detail]).toEqual([
      409,
      'This mail was answered already: nothing was changed.',
    ]);
  });

  it('is worth nothing as an answer, nor the token of an answer as a link, nor either when it is over', async () => {
    const { id } = await openRequest(house);
    const { reply, link } = await tokensOf(id);
    expect(reply).not.toBe(link);
    expect((await show(reply)).status).toBe(404);
    expect((await show('a'.repeat(32))).status).toBe(404);
    await admin.post(`/api/approvals/requests/${id}/reject`, { reason: 'no' });
    const over = await show(link);
    expect([over.status, over.body.detail]).toEqual([409, expect.stringContaining('rejected already')]);
    const other = await openRequest(house);
    const late = (await tokensOf(other.id)).link;
    house.clock.advanceHours(25);
    expect((await show(late)).status).toBe(409);
  });

  it('is of one person, as they are now', async () => {
    const [{ id }, own] = [
      await openRequest(house),
      await openRequest(house, { user_id: lead.principal.user_id }),
    ];
    const mine = (await tokensOf(own.id)).link;
    expect((await show(mine)).status).toBe(403);
    const { link } = await tokensOf(id);
    const { nonce } = (await show(link)).body;
    const lea = lead;
    people = people.filter((one) => one !== lea);
    expect((await show(link)).status).toBe(404);
    expect((await decide(link, nonce)).status).toBe(404);
    people = [...people, { ...lea, principal: { ...lea.principal, permissions: [] } }];
    expect((await decide(link, nonce)).status).toBe(403);
    people = [lea, ...people.slice(0, -1)];
    expect((await decide(link, nonce)).status).toBe(200);
  });

  it('takes a login above the cost that the house says', async () => {
    await admin.put('/api/approvals/settings', { link_login_above_usd: 72 });
    const [cheap, dear] = [await openRequest(house), await openRequest(house, { estimated_cost_usd: 72.01 })];
    expect((await show((await tokensOf(cheap.id)).link)).body.needs_login).toBe(false);
    const { link } = await tokensOf(dear.id);
    const shown = (await show(link)).body;
    expect(shown).toMatchObject({ needs_login: true, request_id: dear.id });
    expect(shown).not.toHaveProperty('nonce');
    const refused = await decide(link, 'any');
    expect([refused.status, refused.body.detail]).toEqual([
      403,
      'a job of this cost is decided by who is logged in',
    ]);
    // One that was looked at before the house said so.
    await admin.put('/api/approvals/settings', { link_login_above_usd: null });
    const { nonce } = (await show(link)).body;
    await admin.put('/api/approvals/settings', { link_login_above_usd: 0 });
    expect((await decide(link, nonce)).status).toBe(403);
    expect(await statusOf(dear.id)).toBe('pending');
  });

  it('is not looked at or decided by from another site, nor with what is no token', async () => {
    const { id } = await openRequest(house);
    const { link } = await tokensOf(id);
    for (const verb of ['show', 'decide']) {
      const answer = await fetch(`${house.service.url}${LINKS}/${verb}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://evil.test' },
        body: JSON.stringify({ token: link, ...(verb === 'decide' && { nonce: 'x', decision: 'approve' }) }),
      });
      expect(answer.status).toBe(403);
    }
    await refusesBadInput(anybody.post, `${LINKS}/show`, { token: link }, [
      ['token', {}],
      ['token', { token: 'x' }],
    ]);
    const good = { token: link, nonce: 'x', decision: 'approve' };
    await refusesBadInput(anybody.post, `${LINKS}/decide`, good, [
      ['decision', { ...good, decision: 'maybe' }],
      ['nonce', { ...good, nonce: '' }],
      ['comment', { ...good, decision: 'reject', comment: ' ' }],
    ]);
    await refusesBadInput(admin.put, '/api/approvals/settings', { combine: 'first' }, [
      ['link_login_above_usd', { link_login_above_usd: -1 }],
    ]);
  });
});
