import { preheaderOf, subjectOf, type Mail } from './mail.js';
import { mailHtml } from './mail-template.js';
import { SEVERITIES } from './severity.js';
import { oneLine, tellingOf } from './telling.js';
import type { Message } from './message.js';
import { ownTitleOf } from './own-mail.js';
import type { OwnWait } from './own-waits.js';

/** So many are listed; more are counted. */
export const MAX_LISTED = 200;

/** Several events in one mail: of `total` the first, in the order in which they came. */
export function digestMail(
  messages: readonly Message[],
  total: number,
  why: OwnWait,
  publicUrl: string,
): Mail {
  const entries = messages.map((message) => {
    const { what, severity, link, timestamp } = tellingOf(message, publicUrl);
    const { reason } = message.data;
    return {
      severity,
      title: `${ownTitleOf(message.type)}${what ? `: ${what}` : ''}`,
      timestamp,
      details: reason === undefined ? [] : [oneLine(reason)],
      link,
    };
  });
  const lines = entries.flatMap(({ timestamp, title, details, link }) => [
    `${timestamp} ${title}`,
    ...[...details, ...(link === undefined ? [] : [link])].map((line) => `  ${line}`),
  ]);
  const more = total - messages.length;
  const rest = more > 0 ? [`and ${more} more, which are not listed here`] : [];
  const head =
    why === 'throttled'
      ? `And ${total} more, which came faster than you want to be told`
      : `${total} ${total === 1 ? 'notification' : 'notifications'}`;
  const worst = SEVERITIES.findLast((one) => entries.some(({ severity }) => severity === one)) ?? 'info';
  return {
    subject: subjectOf(`[Lineclear] ${head}`),
    text: [head, '', ...lines, ...rest, ''].join('\n'),
    html: mailHtml({
      title: head,
      preheader: preheaderOf(entries.map(({ title }) => title).join(', ')),
      severity: worst,
      ...(total > 1 && { bar: `Most serious of these: ${worst}` }),
      parts: [
        {
          kind: 'items',
          items: entries.map(({ severity, title, timestamp, details, link }) => ({
            severity,
            title,
            ...(link !== undefined && { url: link }),
            lines: [...details, timestamp],
          })),
        },
        ...rest.map((text) => ({ kind: 'note', text }) as const),
      ],
    }),
  };
}
