import { describe, expect, it } from 'vitest';
import { discordMessageOf } from './discord-message.js';
import { messageOf } from './message.js';
import { slackMessageOf } from './slack-message.js';
import { teamsMessageOf } from './teams-message.js';
import { tellingOf } from './telling.js';

const TIME = '2026-01-01T00:00:00.000Z';
const tell = (data: Record<string, unknown>, type = 'job.failed') =>
  tellingOf(messageOf({ type, time: TIME, data }), 'https://lc.example/');
const LONG = '&<*_@'.repeat(2_000);
const MANY = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field_${index}`, LONG]));
const JOB = { job_id: 'job_1', config_name: 'tiny' };

interface Slack {
  text: string;
  blocks: {
    type: string;
    text?: { type: string; text: string };
    fields?: { type: string; text: string; verbatim: boolean }[];
    elements?: { url?: string }[];
  }[];
}
const slackOf = (data: Record<string, unknown>) => slackMessageOf(tell(data)) as Slack;
const slackFields = ({ blocks }: Slack) => blocks.flatMap(({ fields = [] }) => fields);

describe('a message for Slack', () => {
  it('has a heading, its facts, where it comes from and a button', () => {
    const message = slackOf(JOB);
    expect(message.text).toBe('Job failed: tiny');
    expect(message.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'context', 'actions']);
    expect(slackFields(message)[0]).toEqual({ type: 'mrkdwn', text: '*Job id*\njob_1', verbatim: true });
    expect(message.blocks[3]!.elements![0]!.url).toBe('https://lc.example/jobs/job_1');
  });

  it.each(['<!channel>', '<!here|here>', '<@U123>', '<https://evil.test|the job>', '<#C1>', 'a & b'])(
    'takes %s as text',
    (hostile) => {
      const message = slackOf({ ...JOB, config_name: hostile });
      const marked = [message.text, ...slackFields(message).map(({ text }) => text)];
      for (const text of marked) expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      expect(message.blocks[0]!.text).toMatchObject({ type: 'plain_text' });
      expect(slackFields(message).every(({ verbatim }) => verbatim)).toBe(true);
    },
  );

  it('keeps within what Slack takes', () => {
    const message = slackOf({ ...MANY, ...JOB, config_name: LONG });
    expect(message.text.length).toBeLessThanOrEqual(3_000);
    expect(message.blocks[0]!.text!.text.length).toBeLessThanOrEqual(150);
    expect(message.blocks.length).toBeLessThanOrEqual(50);
    for (const { fields = [] } of message.blocks) expect(fields.length).toBeLessThanOrEqual(10);
    for (const { text } of slackFields(message)) expect(text.length).toBeLessThanOrEqual(2_000);
  });

  it('leaves out what is empty: Slack refuses it', () => {
    const message = slackOf({ ...JOB, message: '' });
    expect(JSON.stringify(message)).not.toContain('*Message*');
    expect(slackMessageOf(tell({})).blocks.map((block) => (block as { type: string }).type)).toEqual([
      'header',
      'context',
    ]);
  });
});

interface Teams {
  type: string;
  attachments: {
    contentType: string;
    content: {
      version: string;
      body: { type: string; inlines: { type: string; text: string }[] }[];
      actions?: { url: string }[];
    };
  }[];
}
const cardOf = (data: Record<string, unknown>) =>
  (teamsMessageOf(tell(data)) as Teams).attachments[0]!.content;

describe('a message for Teams', () => {
  it('is an Adaptive Card as a workflow takes it', () => {
    expect(teamsMessageOf(tell(JOB))).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null }],
    });
    const card = cardOf(JOB);
    expect(card.body[0]!.inlines[0]!.text).toBe('Job failed: tiny');
    expect(card.body[1]!.inlines.map(({ text }) => text)).toEqual(['Job id: ', 'job_1']);
    expect(card.actions![0]!.url).toBe('https://lc.example/jobs/job_1');
  });

  it.each(['**bold**', '[the job](https://evil.test)', '<at>everyone</at>', '# heading'])(
    'takes %s as text',
    (hostile) => {
      const { body } = cardOf({ ...JOB, config_name: hostile });
      for (const { type, inlines } of body) {
        expect(type).toBe('RichTextBlock');
        expect(inlines.every((run) => run.type === 'TextRun')).toBe(true);
      }
      expect(JSON.stringify(body)).toContain(hostile);
    },
  );

  it.each([LONG, '汉'.repeat(10_000), '😀'.repeat(5_000)])('keeps within 28 KB', (long) => {
    const message = teamsMessageOf(
      tell({ ...JOB, ...Object.fromEntries(Object.keys(MANY).map((key) => [key, long])) }),
    );
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(28_000);
  });
});

interface Discord {
  allowed_mentions: object;
  embeds: {
    title: string;
    url?: string;
    color: number;
    fields: { name: string; value: string }[];
    footer: { text: string };
    timestamp: string;
  }[];
}
const embedOf = (data: Record<string, unknown>) => (discordMessageOf(tell(data)) as Discord).embeds[0]!;

describe('a message for Discord', () => {
  it('is one embed', () => {
    expect(discordMessageOf(tell(JOB))).toMatchObject({
      allowed_mentions: { parse: [] },
      embeds: [{ title: 'Job failed: tiny', url: 'https://lc.example/jobs/job_1', timestamp: TIME }],
    });
    expect(embedOf(JOB).fields[0]).toMatchObject({ name: 'Job id', value: 'job\\_1' });
  });

  it.each([
    ['@everyone', '@\u200beveryone'],
    ['<@&42>', '\\<@\u200b&42\\>'],
    ['[the job](https://evil.test)', '\\[the job\\]\\(https:\u200b//evil.test\\)'],
    ['log in at https://evil.test/login', 'log in at https:\u200b//evil.test/login'],
    ['**bold** ||hidden||', '\\*\\*bold\\*\\* \\|\\|hidden\\|\\|'],
  ])('takes %s as text', (hostile, shown) => {
    const { title, fields } = embedOf({ ...JOB, config_name: hostile });
    expect(title).toBe(`Job failed: ${shown}`);
    expect(fields[1]!.value).toBe(shown);
  });

  it.each([LONG, '😀'.repeat(5_000)])('keeps within what Discord takes', (long) => {
    const { title, fields, footer } = embedOf({ ...MANY, ...JOB, config_name: long, field_1: long });
    expect(title.length).toBeLessThanOrEqual(256);
    expect(fields.length).toBeLessThanOrEqual(25);
    for (const { name, value } of fields) {
      expect(name.length).toBeLessThanOrEqual(256);
      expect(value.length).toBeLessThanOrEqual(1_024);
    }
    const all = [title, footer.text, ...fields.flatMap(({ name, value }) => [name, value])].join('');
    expect(all.length).toBeLessThanOrEqual(6_000);
    expect(Buffer.from(all).toString()).toBe(all);
  });
});
