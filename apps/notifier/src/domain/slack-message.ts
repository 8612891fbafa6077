import { shortened, type Telling } from './telling.js';

// What Slack takes; a message that has more is refused as a whole.
const MAX_HEADER = 150;
const MAX_FIELD = 2_000;
const FIELDS_PER_SECTION = 10;
const MAX_FIELDS = 20;
const MAX_TEXT = 3_000;
const MAX_URL = 3_000;

export interface SlackMessage {
  /** What notifications show, and whoever cannot show blocks. */
  readonly text: string;
  readonly blocks: readonly object[];
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text in which nothing mentions anybody, links anywhere or calls a channel, at most so long when it is escaped. */
export function slackText(text: string, max: number): string {
  for (let keep = Math.min(text.length, max); ; keep = Math.floor(keep * 0.8)) {
    const escaped = shortened(text, keep).replace(/[&<>]/g, (c) => ESCAPES[c]!);
    if (escaped.length <= max) return escaped;
  }
}

const fieldOf = ([name, value]: readonly [string, string]): object => ({
  type: 'mrkdwn',
  text: slackText(`*${name}*\n${value}`, MAX_FIELD),
  // Without this Slack would look for names of channels and links in it.
  verbatim: true,
});

function sectionsOf(rows: Telling['rows']): object[] {
  const fields = rows.filter(([, value]) => value !== '').map(fieldOf);
  const shown = fields.slice(0, MAX_FIELDS);
  const starts = shown.map((_, index) => index).filter((index) => index % FIELDS_PER_SECTION === 0);
  return starts.map((start) => ({
    type: 'section',
    fields: shown.slice(start, start + FIELDS_PER_SECTION),
  }));
}

/** A message in Slack's Block Kit. */
export function slackMessageOf(telling: Telling): SlackMessage {
  const { title, what, severity, rows, timestamp, link } = telling;
  const heading = what === '' ? title : `${title}: ${what}`;
  return {
    text: slackText(heading, MAX_TEXT),
    blocks: [
      // Plain text: nothing in it is read as markup.
      {
        type: 'header',
        text: { type: 'plain_text', text: shortened(heading, MAX_HEADER), emoji: false },
      },
      ...sectionsOf(rows),
      {
        type: 'context',
        elements: [{ type: 'plain_text', text: `Lineclear, ${severity}, ${timestamp}`, emoji: false }],
      },
      ...(link === undefined || link.length > MAX_URL
        ? []
        : [
            {
              type: 'actions',
              elements: [{ type: 'button', text: { type: 'plain_text', text: 'Show the job' }, url: link }],
            },
          ]),
    ],
  };
}
