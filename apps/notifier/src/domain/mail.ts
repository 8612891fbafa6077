import { mailHtml } from './mail-template.js';
import type { Message } from './message.js';
import { oneLine, shortened, tellingOf, titleOf } from './telling.js';

export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Where an answer goes, where that is not the sender. */
  readonly replyTo?: string;
  /** Where it comes back to when it cannot be delivered, where that is not the sender. */
  readonly returnPath?: string;
  /** Answers a mail itself: nobody answers it, and no bounce of it comes back (RFC 3834). */
  readonly isAnswer?: true;
}

const MAX_SUBJECT = 150;
const MAX_PREHEADER = 140;

export const subjectOf = (text: string): string => text.slice(0, MAX_SUBJECT);

export const preheaderOf = (text: string): string => shortened(text, MAX_PREHEADER);

/** A mail for a message: plain text and the same as HTML. */
export function mailOf(message: Message, publicUrl: string, title = titleOf(message.type)): Mail {
  const { what, severity, rows: facts, link } = tellingOf(message, publicUrl);
  const heading = `${title}${what ? `: ${what}` : ''}`;
  const rows = [...facts, ['Time', message.timestamp] as const];
  const text = [
    title,
    '',
    ...rows.map(([name, value]) => `${name}: ${value}`),
    ...(link ? ['', link] : []),
    '',
  ].join('\n');
  const said = message.data['message'] ?? message.data['reason'];
  const why = typeof said === 'string' ? oneLine(said) : undefined;
  const html = mailHtml({
    title: heading,
    preheader: preheaderOf(why ?? rows.map(([name, value]) => `${name}: ${value}`).join(', ')),
    severity,
    parts: [
      ...(why === undefined ? [] : [{ kind: 'paragraph', text: why } as const]),
      { kind: 'rows', rows },
      ...(link ? [{ kind: 'button', label: 'Look at the job', url: link } as const] : []),
    ],
  });
  return { subject: subjectOf(`[Lineclear] ${heading}`), text, html };
}
