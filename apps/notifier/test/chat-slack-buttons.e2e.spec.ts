import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  approvalRequired,
  auditRecorded,
  decideForJob,
  deciderNow,
  storeSecret,
} from '@lineclear/contracts';
import { Unavailable } from '@lineclear/kit';
import { expectProblem } from '@lineclear/testkit';
import { describe, expect, it, vi } from 'vitest';
import {
  AT,
  CHANNELS,
  formOf,
  lastTrigger,
  LINKS,
  newSlackUser,
  PATIENT,
  press,
  required,
  SIGNING,
  signedAt,
  SLACK_CHANNEL,
  slackApp,
  window,
} from './slack-app.js';

const app = slackApp();
const BASE = '/api/cloud/notifications';
const nowSeconds = (): number => app.nowSeconds();
const signed = (body: string, secret = SIGNING, timestamp = nowSeconds()) =>
  signedAt(timestamp, body, secret);

describe('who presses', () => {
  it('is linked by a code, once, and counts as themselves from then on', async () => {
    const about = await app.asked();
    const slackUser = newSlackUser();
    const code = await app.codeOf(slackUser, about);
    expect(app.decisions.some(({ job_id }) => job_id === about.job_id)).toBe(false);
    const rows = await app.house.service.database.query('select t::text as line from slack_link_code t');
    expect(JSON.stringify(rows)).not.toContain(code);

    const made = await app.house.as(app.lead.token).post(LINKS, { code });
    expect(made).toMatchObject({
      status: 201,
      body: { channel_id: app.channel, slack_team_id: 'T1', slack_user_id: slackUser },
    });
    expectProblem(await app.house.as(app.lead.token).post(LINKS, { code }), 'twice', 'code');
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'You approved it');
    const { user_id, username, level } = app.lead.principal;
    expect(app.decisions.at(-1)).toMatchObject({
      job_id: about.job_id,
      approval_id: about.approval_id,
      status: 'approved',
      by: { level, tenant: 7, actor: { user_id, username, via: 'slack' } },
    });

    expect((await app.house.as(app.lead.token).get(LINKS)).body).toMatchObject({
      total: 1,
      links: [made.body],
    });
    expect((await app.house.admin.delete(`${LINKS}/${made.body.id}`)).status).toBe(404);
    expect((await app.house.as(app.lead.token).delete(`${LINKS}/${made.body.id}`)).status).toBe(204);
    await app.codeOf(slackUser, about);
    const actions = () => app.house.peer.events(auditRecorded).map(({ data }) => data.action);
    await vi.waitFor(() =>
      expect(actions()).toEqual(expect.arrayContaining(['slack.linked', 'slack.unlinked'])),
    );
  });

  it('needs a code that is good now, and the right to approve', async () => {
    const about = await app.asked();
    const slackUser = newSlackUser();
    const code = await app.codeOf(slackUser, about);
    expect((await app.house.as(undefined).post(LINKS, { code })).status).toBe(401);
    expect((await app.house.as(app.house.folk.add('researcher').token).post(LINKS, { code })).status).toBe(
      403,
    );
    const newer = await app.codeOf(slackUser, about);
    expectProblem(await app.house.as(app.lead.token).post(LINKS, { code }), 'an older code', 'code');
    expectProblem(await app.house.as(app.lead.token).post(LINKS, { code: 'x' }), 'no code', 'code');
    app.house.clock.advanceHours(1);
    expectProblem(await app.house.as(app.lead.token).post(LINKS, { code: newer }), 'an old code', 'code');
  });

  it('is nobody any more where Slack signs with another secret', async () => {
    const other = await app.appFor({ name: 'Other' });
    const about = await app.asked();
    const slackUser = await app.linked(about);
    // What is known of them in one channel says nothing in another.
    const before = app.decisions.length;
    expect((await app.send(press('approve', about, slackUser), other)).status).toBe(200);
    await app.tells(slackUser, 'does not know yet who you are');
    await app.house.admin.patch(`${CHANNELS}/${other}`, { signing_secret: 'another' });
    expect((await app.send(press('approve', about, slackUser), other)).status).toBe(401);
    expect(app.decisions).toHaveLength(before);
    await app.house.admin.delete(`${CHANNELS}/${other}`);

    await app.house.admin.patch(`${CHANNELS}/${app.channel}`, { signing_secret: SIGNING });
    await app.codeOf(slackUser, about);
  });

  it('is nobody any more before another signing secret is kept, even if it never comes into use', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const linked: number[] = [];
    app.house.peer.answer(storeSecret, async () => {
      const rows = await app.house.service.database.query('select from slack_link where slack_user_id = $1', [
        slackUser,
      ]);
      linked.push(rows.length);
      throw new Unavailable('it stops right here');
    });
    const change = app.house.admin.patch(`${CHANNELS}/${app.channel}`, { signing_secret: 'another' });
    expect(await change).toMatchObject({ status: 503 });
    app.house.secrets.up();
    expect(linked).toEqual([0]);
  });
});

describe('what is not from Slack', () => {
  it('is refused: unsigned, signed by another, old, changed, sent again', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const path = `${BASE}/slack/${app.channel}/interactions`;
    const body = formOf(press('approve', about, slackUser));
    const as = (headers: Record<string, string>, sent = body) =>
      app.house.as(undefined).post(path, sent, headers);
    const before = app.decisions.length;
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
    expect(app.decisions).toHaveLength(before);
    const good = signed(body);
    expect((await as(good)).status).toBe(200);
    expect((await as(good)).status).toBe(401);
    await app.tells(slackUser, 'You approved it');
    expect(app.decisions).toHaveLength(before + 1);
  });

  it('is told what is wrong with it, or that there is nothing here', async () => {
    const about = await app.asked();
    const payload = press('approve', about, newSlackUser());
    expectProblem(await app.send({ type: 7 }), 'no interaction', 'payload');
    expect((await app.send({ type: 'view_closed' })).status).toBe(200);
    expect((await app.send(payload, 999_999)).status).toBe(404);
    const hook = await app.house.admin.post(CHANNELS, {
      channel_type: 'slack',
      name: 'hook',
      webhook_url: `${app.house.receiver.url}/x`,
    });
    expect((await app.send(payload, hook.body.id)).status).toBe(404);
    const mute = await app.appFor({ signing_secret: undefined });
    expect((await app.send(payload, mute)).status).toBe(404);
    await app.house.admin.patch(`${CHANNELS}/${app.channel}`, { is_enabled: false });
    expect((await app.send(payload)).status).toBe(404);
    await app.house.admin.patch(`${CHANNELS}/${app.channel}`, { is_enabled: true });
    for (const id of [mute, hook.body.id]) await app.house.admin.delete(`${CHANNELS}/${id}`);
  });

  it('asks nothing by buttons without a signing secret', async () => {
    const mute = await app.appFor({ signing_secret: undefined, slack_channel: 'C5555555555' });
    const about = await app.asked();
    const inMute = () =>
      [...app.slack.messages.values()].filter((message) => message.channel === 'C5555555555');
    await vi.waitFor(() => expect(JSON.stringify(inMute())).toContain(about.job_id), PATIENT);
    expect(JSON.stringify(inMute())).not.toContain('action_id');
    expect(JSON.stringify(app.messagesAbout(about)[0])).toContain('action_id');
    await app.house.admin.delete(`${CHANNELS}/${mute}`);
  });
});

describe('a decision', () => {
  it('to reject needs a reason, which a window asks for', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const before = app.decisions.length;
    await app.send(press('reject', about, slackUser));
    expect(app.slack.of('views.open').at(-1)).toMatchObject({
      trigger_id: lastTrigger(),
      view: { type: 'modal', private_metadata: about.approval_id },
    });
    expect((await app.send(window(about.approval_id, slackUser, '  '))).body).toEqual({
      response_action: 'errors',
      errors: { reason: 'Please say why.' },
    });
    expect(app.decisions).toHaveLength(before);
    expect((await app.send(window(about.approval_id, slackUser, 'too dear'))).body).toEqual({
      response_action: 'clear',
    });
    expect(app.decisions.at(-1)).toMatchObject({
      status: 'rejected',
      notes: 'too dear',
      job_id: about.job_id,
    });
    // By whoever is linked, whatever the window was opened by.
    expect((await app.send(window(about.approval_id, newSlackUser(), 'mine'))).body).toMatchObject({
      response_action: 'errors',
    });
    expect(app.decisions).toHaveLength(before + 1);
  });

  it('that is refused, or only one of several, says so to whoever made it', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const message = 'the requester <!channel> decides not on their own';
    app.house.peer.answer(decideForJob, () => ({ refused: { why: 'not_allowed' as const, message } }));
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'Nothing was decided: the requester &lt;!channel&gt; decides not');
    expect((await app.send(window(about.approval_id, slackUser, 'no'))).body.errors.reason).toContain(
      message,
    );
    app.house.peer.answer(decideForJob, ({ approval_id }) => ({
      decided: { approval_id: approval_id!, at: AT, is_open: true as const },
    }));
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'More people are needed');
  });

  it('is made with the rights of now, and by nobody while it is not known who they are', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const before = app.decisions.length;
    app.house.peer.answer(deciderNow, () => ({ decider: { ...app.lead.principal, permissions: [] } }));
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'You may not decide');
    app.house.peer.answer(deciderNow, () => ({ decider: null }));
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'not active');
    app.house.peer.stopAnswering(deciderNow);
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'does not answer just now');
    expect(app.decisions).toHaveLength(before);
    app.house.peer.answer(deciderNow, () => ({ decider: app.lead.principal }));
    app.house.peer.stopAnswering(decideForJob);
    await app.send(press('approve', about, slackUser));
    await app.tells(slackUser, 'no answer in time');
  });

  it('that the channel was never asked for is none', async () => {
    const about = await app.asked();
    const slackUser = await app.linked(about);
    const before = [app.decisions.length, app.told(slackUser).length];
    expect((await app.send(press('approve', required(), slackUser))).status).toBe(200);
    expect((await app.send(window(required().approval_id, slackUser, 'x'))).body).toMatchObject({
      response_action: 'errors',
    });
    expect([app.decisions.length, app.told(slackUser).length]).toEqual(before);
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
    const about = await app.asked();
    const { ts } = app.messagesAbout(about)[0];
    const { approval_id, job_id } = about;
    await app.house.peer.publish(def, { approval_id, job_id, ...more } as never);
    await vi.waitFor(() => {
      const shown = JSON.stringify(app.slack.messages.get(ts).blocks);
      expect(shown).toContain(text);
      expect(shown).not.toContain('action_id');
    }, PATIENT);
    expect(app.slack.of('chat.update').at(-1)).toMatchObject({ channel: SLACK_CHANNEL, ts });
  });

  it('shows it also where it was over before Slack had the message', async () => {
    const about = required();
    const gate = app.slack.hold('chat.postMessage');
    await app.house.peer.publish(approvalRequired, about);
    await vi.waitFor(() => expect(gate.waiting()).toBe(1), PATIENT);
    const { approval_id, job_id } = about;
    await app.house.peer.publish(approvalGranted, { approval_id, job_id, ...by, via: 'api' });
    const noted = () =>
      app.house.service.database.query('select 1 from slack_outcome where approval_id = $1', [approval_id]);
    await vi.waitFor(async () => expect(await noted()).toHaveLength(1), PATIENT);
    gate.letGo();
    await vi.waitFor(() => {
      const shown = [...app.slack.messages.values()].find((message) =>
        JSON.stringify(message).includes(job_id),
      );
      expect(JSON.stringify(shown)).toContain('Approved by lea in Lineclear');
    }, PATIENT);
  });

  it('is left as it is where somebody deleted it', async () => {
    const about = await app.asked();
    const { ts } = app.messagesAbout(about)[0];
    (app.slack.messages as Map<string, unknown>).delete(ts);
    const { approval_id, job_id } = about;
    await app.house.peer.publish(approvalExpired, { approval_id, job_id, at: AT });
    const over = () =>
      app.house.service.database.query('select 1 from slack_question where approval_id = $1 and is_over', [
        approval_id,
      ]);
    await vi.waitFor(async () => expect(await over()).toHaveLength(1), PATIENT);
  });
});

it('has tables as its entities say', async () => {
  const { upQueries } = await app.house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});
