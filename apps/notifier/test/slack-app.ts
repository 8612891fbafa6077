import { createHmac, randomUUID } from 'node:crypto';
import {
  approvalRequired,
  decideForJob,
  deciderNow,
  type EventData,
  type RequestOf,
} from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { startFakeSlack, type FakeSlack } from './fake-slack.js';
import { aboutJob, newJobId, openHouse, type House } from './house.js';

const BASE = '/api/cloud/notifications';
export const CHANNELS = `${BASE}/channels`;
export const LINKS = `${BASE}/slack/links`;
export const PATIENT = { timeout: 20_000 };
export const SIGNING = 'signing-secret';
export const SLACK_CHANNEL = 'C0123456789';
export const AT = '2026-11-28T12:00:00.000Z';
const TOKEN = 'xoxb-token';

export type Asked = EventData<typeof approvalRequired>;
/** Nobody was told of it yet. */
export const required = (): Asked => ({
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

let people = 0;
export const newSlackUser = (): string => `U${(people += 1)}`;
const user = (id: string) => ({ user: { id, username: id, name: id, team_id: 'T1' }, team: { id: 'T1' } });
let triggers = 0;
export const lastTrigger = (): string => `1.${triggers}`;
/** What Slack says when somebody presses a button that carries this. */
export const pressing = (action_id: string, value: string, slackUser: string) => ({
  type: 'block_actions',
  ...user(slackUser),
  trigger_id: `1.${(triggers += 1)}`,
  response_url: 'https://hooks.slack.com/actions/x',
  container: { type: 'message', channel_id: SLACK_CHANNEL },
  actions: [{ action_id, value, type: 'button', block_id: 'b' }],
});
export const press = (action: string, { approval_id }: Asked, slackUser: string) =>
  pressing(action, approval_id, slackUser);
export const window = (carried: string, slackUser: string, value: string) => ({
  type: 'view_submission',
  ...user(slackUser),
  view: {
    id: `V${(triggers += 1)}`,
    callback_id: 'reject',
    private_metadata: carried,
    state: { values: { reason: { reason: { type: 'plain_text_input', value } } } },
  },
});
export const formOf = (payload: object): string =>
  new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
export const signedAt = (timestamp: number, body: string, secret = SIGNING) => ({
  'content-type': 'application/x-www-form-urlencoded',
  'x-slack-request-timestamp': String(timestamp),
  'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`,
});

/** A house with a Slack app, and approvals that take every word. */
export class SlackApp {
  slack: FakeSlack;
  house: House;
  lead: Person;
  channel: number;
  /** What approvals was asked to decide. */
  readonly decisions: RequestOf<typeof decideForJob>[] = [];

  async open(): Promise<void> {
    this.slack = await startFakeSlack(TOKEN);
    this.house = await openHouse({ SLACK_API_URL: this.slack.url });
    this.lead = this.house.folk.add('lead', { org: { id: 7, slug: 'seven' } });
    this.channel = await this.appFor();
  }

  async close(): Promise<void> {
    await this.house?.stop();
    await this.slack?.close();
  }

  answer(): void {
    this.house.peer.answer(decideForJob, (asked) => {
      this.decisions.push(asked);
      return { decided: { approval_id: asked.approval_id!, at: AT } };
    });
    this.house.peer.answer(deciderNow, ({ user_id }) => ({
      decider: user_id === this.lead.principal.user_id ? this.lead.principal : null,
    }));
  }

  async appFor(more: object = {}): Promise<number> {
    const { status, body } = await this.house.admin.post(CHANNELS, {
      channel_type: 'slack',
      name: 'Approvals',
      bot_token: TOKEN,
      signing_secret: SIGNING,
      slack_channel: SLACK_CHANNEL,
      max_per_second: 100,
      ...more,
    });
    expect(status).toBe(201);
    const events = ['approval.required', 'approval.reminder', 'approval.stage_started', 'approval.escalated'];
    for (const event_type of events)
      await this.house.admin.post(`${BASE}/preferences`, { event_type, channel_id: body.id });
    return body.id;
  }

  messagesAbout({ approval_id }: Asked) {
    return [...this.slack.messages.values()].filter(
      ({ channel, blocks }) => channel === SLACK_CHANNEL && JSON.stringify(blocks).includes(approval_id),
    );
  }

  /** A request that was told of in Slack. */
  async asked(more: Partial<Asked> = {}): Promise<Asked> {
    const about = { ...required(), ...more };
    await this.house.peer.publish(approvalRequired, about);
    await vi.waitFor(() => expect(this.messagesAbout(about)).not.toEqual([]), PATIENT);
    return about;
  }

  nowSeconds(): number {
    return Math.floor(this.house.clock.now().getTime() / 1_000);
  }

  /** As Slack sends it. */
  async send(payload: object, to = this.channel) {
    const body = formOf(payload);
    const path = `${BASE}/slack/${to}/interactions`;
    return this.house.as(undefined).post(path, body, signedAt(this.nowSeconds(), body));
  }

  /** What somebody was told alone. */
  told(slackUser: string): string[] {
    return this.slack
      .of('chat.postEphemeral')
      .filter((message) => message.user === slackUser)
      .map(({ text }) => text);
  }

  async tells(slackUser: string, text: string): Promise<void> {
    await vi.waitFor(() => expect(this.told(slackUser).at(-1)).toContain(text), PATIENT);
  }

  /** The code that somebody in Slack is given who is not known yet. */
  async codeOf(slackUser: string, about: Asked): Promise<string> {
    expect((await this.send(press('approve', about, slackUser))).status).toBe(200);
    await this.tells(slackUser, 'does not know yet who you are');
    return /"code": "([0-9a-f]+)"/.exec(this.told(slackUser).at(-1)!)![1]!;
  }

  async linked(about: Asked): Promise<string> {
    const slackUser = newSlackUser();
    const code = await this.codeOf(slackUser, about);
    expect((await this.house.as(this.lead.token).post(LINKS, { code })).status).toBe(201);
    return slackUser;
  }
}

/** One for the spec that calls this. */
export function slackApp(): SlackApp {
  const app = new SlackApp();
  beforeAll(() => app.open());
  afterAll(() => app.close());
  beforeEach(() => app.answer());
  return app;
}
