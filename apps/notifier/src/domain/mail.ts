import type { Message } from './message.js';
import { tellingOf, titleOf } from './telling.js';

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

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

export const subjectOf = (text: string): string => text.slice(0, MAX_SUBJECT);

export const htmlPage = (parts: readonly string[]): string =>
  ['<!doctype html><html><head><meta charset="utf-8"></head><body>', ...parts, '</body></html>'].join('\n');

/** A mail for a message: plain text and the same as simple HTML. */
export function mailOf(message: Message, publicUrl: string, title = titleOf(message.type)): Mail {
  const { what, rows: facts, link } = tellingOf(message, publicUrl);
  const subject = subjectOf(`[Lineclear] ${title}${what ? `: ${what}` : ''}`);
  const rows = [...facts, ['Time', message.timestamp] as const];
  const text = [
    title,
    '',
    ...rows.map(([name, value]) => `${name}: ${value}`),
    ...(link ? ['', link] : []),
    '',
  ].join('\n');
  const cells = rows.map(
    ([name, value]) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const html = htmlPage([
    `<h2>${escapeHtml(title)}</h2>`,
    `<table cellpadding="4">${cells.join('')}</table>`,
    link ? `<p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>` : '',
  ]);
  return { subject, text, html };
}
