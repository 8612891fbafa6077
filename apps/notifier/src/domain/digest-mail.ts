import { escapeHtml, htmlPage, subjectOf, type Mail } from './mail.js';
import { about, oneLine } from './telling.js';
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
  const lines = messages.map((message) => {
    const what = about(message.data);
    const { job_id, reason } = message.data;
    return [
      `${message.timestamp} ${ownTitleOf(message.type)}${what ? `: ${what}` : ''}`,
      ...(reason === undefined ? [] : [`  ${oneLine(reason)}`]),
      ...(typeof job_id === 'string'
        ? [`  ${publicUrl.replace(/\/$/, '')}/api/cloud/jobs/${encodeURIComponent(job_id)}`]
        : []),
    ];
  });
  const more = total - messages.length;
  const rest = more > 0 ? [`and ${more} more, which are not listed here`] : [];
  const head =
    why === 'throttled'
      ? `And ${total} more, which came faster than you want to be told`
      : `${total} ${total === 1 ? 'notification' : 'notifications'}`;
  const items = [...lines.map((item) => item.map(escapeHtml).join('<br>')), ...rest.map(escapeHtml)];
  return {
    subject: subjectOf(`[Lineclear] ${head}`),
    text: [head, '', ...lines.flat(), ...rest, ''].join('\n'),
    html: htmlPage([`<h2>${escapeHtml(head)}</h2>`, ...items.map((item) => `<p>${item}</p>`)]),
  };
}
