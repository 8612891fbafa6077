import { CATALOGUE } from './event-catalogue.js';
import type { Message } from './message.js';
import type { Severity } from './severity.js';

/** What a message says, before it is a mail or something in a chat. */
export interface Telling {
  readonly title: string;
  /** The thing that it is about, or nothing. */
  readonly what: string;
  readonly severity: Severity;
  /** Label and value, each one line. */
  readonly rows: readonly (readonly [string, string])[];
  readonly timestamp: string;
  readonly link: string | undefined;
}

const MAX_VALUE = 500;

// Line ends, controls and invisible direction marks could make a subject or a row look like something else.
export const oneLine = (value: unknown): string =>
  String(value)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_VALUE)
    .replace(/[\uD800-\uDBFF]$/, '');

const label = (key: string): string => (key.charAt(0).toUpperCase() + key.slice(1)).replaceAll('_', ' ');

/** The message's facts as label and value, one level of nesting opened; of a person their name. */
function rowsOf(data: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(data).flatMap(([key, value]): [string, string][] => {
    if (value === null || value === undefined) return [];
    if (typeof value !== 'object') return [[label(key), oneLine(value)]];
    if ('username' in value) return [[label(key), oneLine(value.username)]];
    if (!Array.isArray(value)) return rowsOf(value as Record<string, unknown>);
    const plain = value.filter((item) => typeof item !== 'object');
    return plain.length > 0 ? [[label(key), oneLine(plain.join(', '))]] : [];
  });
}

/** The one thing that tells an event from others of its type. */
export function about(data: Readonly<Record<string, unknown>>): string {
  const { config_name, job_id, username, provider, channel_name } = data;
  return oneLine(config_name ?? channel_name ?? job_id ?? username ?? provider ?? '');
}

/** What an event is called. */
export const titleOf = (type: string): string => CATALOGUE[type]?.name ?? type;

export function tellingOf({ type, data, timestamp }: Message, publicUrl: string): Telling {
  const jobId = data['job_id'];
  return {
    title: titleOf(type),
    what: about(data),
    severity: CATALOGUE[type]?.severity ?? 'info',
    rows: rowsOf(data),
    timestamp,
    link:
      typeof jobId === 'string'
        ? `${publicUrl.replace(/\/$/, '')}/jobs/${encodeURIComponent(jobId)}`
        : undefined,
  };
}

/** As much of a text as fits, and a sign that there was more; no character is cut in two. */
export const shortened = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
