import { CATALOGUE } from './event-catalogue.js';
import type { Message } from './message.js';

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
const MAX_VALUE = 500;

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// Line ends, controls and invisible direction marks could make a subject or a row look like something else.
export const oneLine = (value: unknown): string =>
  String(value)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_VALUE);

export const subjectOf = (text: string): string => text.slice(0, MAX_SUBJECT);

export const htmlPage = (parts: readonly string[]): string =>
  ['<!doctype html><html><head><meta charset="utf-8"></head><body>', ...parts, '</body></html>'].join('\n');

const label = (key: string): string => (key.charAt(0).toUpperCase() + key.slice(1)).replaceAll('_', ' ');

/** The message's facts as label and value, one level of nesting opened. */
function rowsOf(data: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(data).flatMap(([key, value]): [string, string][] => {
    if (value === null || value === undefined) return [];
    if (typeof value !== 'object') return [[label(key), oneLine(value)]];
    return Array.isArray(value)
      ? [[label(key), oneLine(value.join(', '))]]
      : rowsOf(value as Record<string, unknown>);
  });
}

function about(data: Readonly<Record<string, unknown>>): string {
  const { config_name, job_id, username, provider, channel_name } = data;
  return oneLine(config_name ?? channel_name ?? job_id ?? username ?? provider ?? '');
}

/** A mail for a message: plain text and the same as simple HTML. */
export function mailOf(message: Message, publicUrl: string): Mail {
  const title = CATALOGUE[message.type]?.name ?? message.type;
  const what = about(message.data);
  const subject = subjectOf(`[Lineclear] ${title}${what ? `: ${what}` : ''}`);
  const rows: [string, string][] = [...rowsOf(message.data), ['Time', message.timestamp]];
  const jobId = message.data['job_id'];
  const link =
    typeof jobId === 'string'
      ? `${publicUrl.replace(/\/$/, '')}/api/cloud/jobs/${encodeURIComponent(jobId)}`
      : undefined;
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
