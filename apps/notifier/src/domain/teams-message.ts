import { shortened, type Telling } from './telling.js';

const MAX_HEADING = 250;
const MAX_ROWS = 30;
/** Teams takes 28 KB, the rest of the envelope included. */
const MAX_BYTES = 24_000;

/** A text run shows text as it is: it knows no markdown, no links and no mentions. */
const line = (runs: readonly object[], more: object = {}): object => ({
  type: 'RichTextBlock',
  inlines: runs.map((run) => ({ type: 'TextRun', ...run })),
  ...more,
});

const rowOf = ([name, value]: readonly [string, string]): object =>
  line([{ text: `${name}: `, weight: 'Bolder' }, { text: value }], { spacing: 'Small' });

/** A message for a workflow of Teams that posts what a webhook gets: one Adaptive Card. */
export function teamsMessageOf(telling: Telling): object {
  const { title, what, severity, timestamp, link } = telling;
  const heading = shortened(what === '' ? title : `${title}: ${what}`, MAX_HEADING);
  const rows = telling.rows
    .filter(([, value]) => value !== '')
    .slice(0, MAX_ROWS)
    .map(rowOf);
  while (Buffer.byteLength(JSON.stringify(rows)) > MAX_BYTES) rows.pop();
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      line([{ text: heading, size: 'Large', weight: 'Bolder' }]),
      ...rows,
      line([{ text: `Lineclear, ${severity}, ${timestamp}`, size: 'Small', isSubtle: true }]),
    ],
    ...(link === undefined
      ? {}
      : { actions: [{ type: 'Action.OpenUrl', title: 'Show the job', url: link }] }),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}
