import { createHmac, randomUUID } from 'node:crypto';
import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  approvalRequired,
  auditRecorded,
  decideForJob,
  deciderNow,
  type EventData,
  type RequestOf,
} from '@lineclear/contracts';
import { expectProblem, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aboutJob, newJobId, openHouse, type House } from './house.js';
import { startFakeSlack, type FakeSlack } from './fake-slack.js';

const BASE = '/api/cloud/notifications';
const CHANNELS = `${BASE}/channels`;
const LINKS = `${BASE}/slack/links`;
const PATIENT = { timeout: 20_000 };
const TOKEN = 'xoxb-token';
const SIGNING = 'signing-secret';
const SLACK_CHANNEL = 'C0123456789';
const AT = '2026-11-28T12:00:00.000Z';
let slack: FakeSlack;
let house: House;
let lead: Person;
let channel: number;
/** What approvals was asked to decide. */
const decisions: RequestOf<typeof decideForJob>[] = [];
const decided = (): void =>
  house.peer.answer(decideForJob, (asked) => {
    decisions.push(asked);
    return { decided: { approval_id: asked.approval_id!, at: AT } };
  });

beforeAll(async () => {
  slack = await startFakeSlack(TOKEN);
  house = await openHouse({ SLACK_API_URL: slack.url });
  lead = house.folk.add('lead', { org: { id: 7, slug: 'seven' } });
  channel = await appFor();
});
afterAll(async () => {
  await house?.stop();
  await slack?.close();
});
beforeEach(() => {
  decided();
  house.peer.answer(deciderNow, ({ user_id }) => ({
    decider: user_id === lead.principal.user_id ? lead.principal : null,
  }));
});

async function appFor(more: object = {}): Promise<number> {
  const { status, body } = await house.admin.post(CHANNELS, {
    channel_type: 'slack',
    name: 'Approvals',
    bot_token: TOKEN,
    signing_secret: SIGNING,
    slack_channel: SLACK_CHANNEL,
    max_per_second: 100,
    ...more,
  });
  expect(status).toBe(201);
  await house.admin.post(`${BASE}/preferences`, { event_type: 'approval.required', channel_id: body.id });
  return body.id;
}

type Asked = EventData<typeof approvalRequired>;
const required = (): Asked => ({
  ...aboutJob(newJobId()),
  approval_id: randomUUID(),
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'dear',
  required_level: 'lead',
  expires_at: '2026-11-29T12:00:00.000Z',
  hardware: 'gpu',
  estimated_cost_usd: 9,
});
const messageAbout = ({ approval_id }: Asked) =>
  [...slack.messages.values()].find(
    ({ channel: at, blocks }) => at === SLACK_CHANNEL && JSON.stringify(blocks).includes(approval_id),
  );
/** A request that was told of in Slack. */
async function asked(): Promise<Asked> {
  const about = required();
  await house.peer.publish(approvalRequired, about);
  await vi.waitFor(() => expect(messageAbout(about)).toBeDefined(), PATIENT);
  return about;
}

let people = 0;
const newSlackUser = (): string => `U${(people += 1)}`;
const user = (id: string) => ({ user: { id, username: id, name: id, team_id: 'T1' }, team: { id: 'T1' } });
let triggers = 0;
const press = (action_id: string, { approval_id: value }: Asked, slackUser: string) => ({
  type: 'block_actions',
  ...user(slackUser),
  trigger_id: `1.${(triggers += 1)}`,
  response_url: 'https://hooks.slack.com/actions/x',
  container: { type: 'message', channel_id: SLACK_CHANNEL },
  actions: [{ action_id, value, type: 'button', block_id: 'b' }],
});
const window = ({ approval_id }: Asked, slackUser: string, value: string) => ({
  type: 'view_submission',
  ...user(slackUser),
  view: {
    id: `V${(triggers += 1)}`,
    callback_id: 'reject',
    private_metadata: approval_id,
    state: { values: { reason: { reason: { type: 'plain_text_input', value } } } },
  },
});

const nowSeconds = (): number => Math.floor(house.clock.now().getTime() / 1_000);
const signed = (body: string, secret = SIGNING, timestamp = nowSeconds()) => ({
  'content-type': 'application/x-www-form-urlencoded',
  'x-slack-request-timestamp': String(timestamp),
  'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`,
});
const formOf = (payload: object): string =>
  new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
/** As Slack sends it. */
const send = (payload: object, to = channel) => {
  const body = formOf(payload);
  return house.as(undefined).post(`${BASE}/slack/${to}/interactions`, body, signed(body));
};
const told = (slackUser: string): string[] =>
  slack
    .of('chat.postEphemeral')
    .filter((message) => message.user === slackUser)
    .map(({ text }) => text);
const tells = (slackUser: string, text: string) =>
  vi.waitFor(() => expect(told(slackUser).at(-1)).toContain(text), PATIENT);

/** The code that somebody in Slack is given who is not known yet. */
async function codeOf(slackUser: string, about: Asked): Promise<string> {
  expect((await send(press('approve', about, slackUser))).status).toBe(200);
  await tells(slackUser, 'does not know yet who you are');
  return /"code": "([0-9a-f]+)"/.exec(told(slackUser).at(-1)!)![1]!;
}
async function linked(about: Asked): Promise<string> {
  const slackUser = newSlackUser();
  const code = await codeOf(slackUser, about);
  expect((await house.as(lead.token).post(LINKS, { code })).status).toBe(201);
  return slackUser;
}

describe('who presses', () => {
  it('is linked by a code, once, and counts as themselves from then on', async () => {
    const about = await asked();
    const slackUser = newSlackUser();
    const code = await codeOf(slackUser, about);
    expect(decisions.some(({ job_id }) => job_id === about.job_id)).toBe(false);
    const rows = await house.service.database.query('select t::text as line from slack_link_code t');
    expect(JSON.stringify(rows)).not.toContain(code);

    const made = await house.as(lead.token).post(LINKS, { code });
    expect(made).toMatchObject({
      status: 201,
      body: { channel_id: channel, slack_team_id: 'T1', slack_user_id: slackUser },
    });
    expectProblem(await house.as(lead.token).post(LINKS, { code }), 'twice', 'code');
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'You approved it');
    const { user_id, username, level } = lead.principal;
    expect(decisions.at(-1)).toMatchObject({
      job_id: about.job_id,
      approval_id: about.approval_id,
      status: 'approved',
      by: { level, tenant: 7, actor: { user_id, username, via: 'slack' } },
    });

    expect((await house.as(lead.token).get(LINKS)).body).toMatchObject({ total: 1, links: [made.body] });
    expect((await house.admin.delete(`${LINKS}/${made.body.id}`)).status).toBe(404);
    expect((await house.as(lead.token).delete(`${LINKS}/${made.body.id}`)).status).toBe(204);
    await codeOf(slackUser, about);
    const actions = () => house.peer.events(auditRecorded).map(({ data }) => data.action);
    await vi.waitFor(() =>
      expect(actions()).toEqual(expect.arrayContaining(['slack.linked', 'slack.unlinked'])),
    );
  });

  it('needs a code that is good now, and the right to approve', async () => {
    const about = await asked();
    const slackUser = newSlackUser();
    const code = await codeOf(slackUser, about);
    expect((await house.as(undefined).post(LINKS, { code })).status).toBe(401);
    expect((await house.as(house.folk.add('researcher').token).post(LINKS, { code })).status).toBe(403);
    const newer = await codeOf(slackUser, about);
    expectProblem(await house.as(lead.token).post(LINKS, { code }), 'an older code', 'code');
    expectProblem(await house.as(lead.token).post(LINKS, { code: 'x' }), 'no code', 'code');
    house.clock.advanceHours(1);
    expectProblem(await house.as(lead.token).post(LINKS, { code: newer }), 'an old code', 'code');
  });

  it('is nobody any more where Slack signs with another secret', async () => {
    const other = await appFor({ name: 'Other' });
    const about = await asked();
    const slackUser = await linked(about);
    // What is known of them in one channel says nothing in another.
    const before = decisions.length;
    expect((await send(press('approve', about, slackUser), other)).status).toBe(200);
    await tells(slackUser, 'does not know yet who you are');
    await house.admin.patch(`${CHANNELS}/${other}`, { signing_secret: 'another' });
    expect((await send(press('approve', about, slackUser), other)).status).toBe(401);
    expect(decisions).toHaveLength(before);
    await house.admin.delete(`${CHANNELS}/${other}`);

    await house.admin.patch(`${CHANNELS}/${channel}`, { signing_secret: SIGNING });
    await codeOf(slackUser, about);
  });
});

describe('what is not from Slack', () => {
  it('is refused: unsigned, signed by another, old, changed, sent again', async () => {
    const about = await asked();
    const slackUser = await linked(about);
    const path = `${BASE}/slack/${channel}/interactions`;
    const body = formOf(press('approve', about, slackUser));
    const as = (headers: Record<string, string>, sent = body) =>
      house.as(undefined).post(path, sent, headers);
    const before = decisions.length;
    for (const headers of [
      { 'content-type': 'application/x-www-form-urlencoded' },
      signed(body, 'another'),
      signed(body, SIGNING, nowSeconds() - 400),
      signed(body, SIGNING, nowSeconds() + 400),
      signed(`${body}&x=y`),
      { ...signed(body), 'x-slack-signature': 'v0=' },
    ]) {
      expect((await as(headers)).status).toBe(401);
    }
    expect(decisions).toHaveLength(before);
    const good = signed(body);
    expect((await as(good)).status).toBe(200);
    expect((await as(good)).status).toBe(401);
    await tells(slackUser, 'You approved it');
    expect(decisions).toHaveLength(before + 1);
  });

  it('is told what is wrong with it, or that there is nothing here', async () => {
    const about = await asked();
    const payload = press('approve', about, newSlackUser());
    expectProblem(await send({ type: 7 }), 'no interaction', 'payload');
    expect((await send({ type: 'view_closed' })).status).toBe(200);
    expect((await send(payload, 999_999)).status).toBe(404);
    const hook = await house.admin.post(CHANNELS, {
      channel_type: 'slack',
      name: 'hook',
      webhook_url: `${house.receiver.url}/x`,
    });
    expect((await send(payload, hook.body.id)).status).toBe(404);
    const mute = await appFor({ signing_secret: undefined });
    expect((await send(payload, mute)).status).toBe(404);
    await house.admin.patch(`${CHANNELS}/${channel}`, { is_enabled: false });
    expect((await send(payload)).status).toBe(404);
    await house.admin.patch(`${CHANNELS}/${channel}`, { is_enabled: true });
    for (const id of [mute, hook.body.id]) await house.admin.delete(`${CHANNELS}/${id}`);
  });

  it('asks nothing by buttons without a signing secret', async () => {
    const mute = await appFor({ signing_secret: undefined, slack_channel: 'C5555555555' });
    const about = await asked();
    const inMute = () => [...slack.messages.values()].filter((message) => message.channel === 'C5555555555');
    await vi.waitFor(() => expect(JSON.stringify(inMute())).toContain(about.job_id), PATIENT);
    expect(JSON.stringify(inMute())).not.toContain('action_id');
    expect(JSON.stringify(messageAbout(about))).toContain('action_id');
    await house.admin.delete(`${CHANNELS}/${mute}`);
  });
});

describe('a decision', () => {
  it('to reject needs a reason, which a window asks for', async () => {
    const about = await asked();
    const slackUser = await linked(about);
    const before = decisions.length;
    await send(press('reject', about, slackUser));
    expect(slack.of('views.open').at(-1)).toMatchObject({
      trigger_id: `1.${triggers}`,
      view: { type: 'modal', private_metadata: about.approval_id },
    });
    expect((await send(window(about, slackUser, '  '))).body).toEqual({
      response_action: 'errors',
      errors: { reason: 'Please say why.' },
    });
    expect(decisions).toHaveLength(before);
    expect((await send(window(about, slackUser, 'too dear'))).body).toEqual({ response_action: 'clear' });
    expect(decisions.at(-1)).toMatchObject({ status: 'rejected', notes: 'too dear', job_id: about.job_id });
    // By whoever is linked, whatever the window was opened by.
    expect((await send(window(about, newSlackUser(), 'mine'))).body).toMatchObject({
      response_action: 'errors',
    });
    expect(decisions).toHaveLength(before + 1);
  });

  it('that is refused, or only one of several, says so to whoever made it', async () => {
    const about = await asked();
    const slackUser = await linked(about);
    const message = 'the requester <!channel> decides not on their own';
    house.peer.answer(decideForJob, () => ({ refused: { why: 'not_allowed' as const, message } }));
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'Nothing was decided: the requester &lt;!channel&gt; decides not');
    expect((await send(window(about, slackUser, 'no'))).body.errors.reason).toContain(message);
    house.peer.answer(decideForJob, ({ approval_id }) => ({
      decided: { approval_id: approval_id!, at: AT, is_open: true as const },
    }));
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'More people are needed');
  });

  it('is made with the rights of now, and by nobody while it is not known who they are', async () => {
    const about = await asked();
    const slackUser = await linked(about);
    const before = decisions.length;
    house.peer.answer(deciderNow, () => ({ decider: { ...lead.principal, permissions: [] } }));
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'You may not decide');
    house.peer.answer(deciderNow, () => ({ decider: null }));
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'not active');
    house.peer.stopAnswering(deciderNow);
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'does not answer just now');
    expect(decisions).toHaveLength(before);
    house.peer.answer(deciderNow, () => ({ decider: lead.principal }));
    house.peer.stopAnswering(decideForJob);
    await send(press('approve', about, slackUser));
    await tells(slackUser, 'no answer in time');
  });

  it('that the channel was never asked for is none', async () => {
    const about = await asked();
    const slackUser = await linked(about);
    const before = [decisions.length, told(slackUser).length];
    expect((await send(press('approve', required(), slackUser))).status).toBe(200);
    expect((await send(window(required(), slackUser, 'x'))).body).toMatchObject({
      response_action: 'errors',
    });
    expect([decisions.length, told(slackUser).length]).toEqual(before);
  });
});

describe('the message that asked', () => {
  const by = { by_user_id: 2, by: 'lea', at: AT };
  it.each([
    ['in Slack', 'Approved by lea in Slack', approvalGranted, { ...by, via: 'slack' }],
    ['by mail', 'Rejected by lea by mail', approvalRejected, { ...by, via: 'email', reason: 'too dear' }],
    ['by time', 'Expired', approvalExpired, { at: AT }],
    ['by the requester', 'Withdrawn by lea', approvalCancelled, by],
  ] as const)('shows how it ended %s, and has no buttons any more', async (_, text, def, more) => {
    const about = await asked();
    const { ts } = messageAbout(about);
    const { approval_id, job_id } = about;
    await house.peer.publish(def, { approval_id, job_id, ...more } as never);
    await vi.waitFor(() => {
      const shown = JSON.stringify(slack.messages.get(ts).blocks);
      expect(shown).toContain(text);
      expect(shown).not.toContain('action_id');
    }, PATIENT);
    expect(slack.of('chat.update').at(-1)).toMatchObject({ channel: SLACK_CHANNEL, ts });
  });

  it('shows it also where it was over before Slack had the message', async () => {
    const about = required();
    const gate = slack.hold('chat.postMessage');
    await house.peer.publish(approvalRequired, about);
    await vi.waitFor(() => expect(gate.waiting()).toBe(1), PATIENT);
    const { approval_id, job_id } = about;
    await house.peer.publish(approvalGranted, { approval_id, job_id, ...by, via: 'api' });
    const noted = () =>
      house.service.database.query('select 1 from slack_outcome where approval_id = $1', [approval_id]);
    await vi.waitFor(async () => expect(await noted()).toHaveLength(1), PATIENT);
    gate.letGo();
    await vi.waitFor(() => {
      const shown = [...slack.messages.values()].find((message) => JSON.stringify(message).includes(job_id));
      expect(JSON.stringify(shown)).toContain('Approved by lea in Lineclear');
    }, PATIENT);
  });

  it('is left as it is where somebody deleted it', async () => {
    const about = await asked();
    const { ts } = messageAbout(about);
    (slack.messages as Map<string, unknown>).delete(ts);
    const { approval_id, job_id } = about;
    await house.peer.publish(approvalExpired, { approval_id, job_id, at: AT });
    const over = () =>
      house.service.database.query('select 1 from slack_question where approval_id = $1 and is_over', [
        approval_id,
      ]);
    await vi.waitFor(async () => expect(await over()).toHaveLength(1), PATIENT);
  });
});

it('has tables as its entities say', async () => {
  const { upQueries } = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});
