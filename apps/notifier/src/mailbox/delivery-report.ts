import { headerLines, valuesOf } from './header-lines.js';

const MAX_DETAIL = 500;
const STATUS_PART = /^message\/(?:global-)?delivery-status\b/iu;
/** Exim and qmail say so, in mails that are no reports (RFC 3464); each says something else of a mere delay. */
const GIVEN_UP = /This is a permanent error/u;
/** What could be the token of a mail: it is quoted nowhere. */
const TOKEN_LIKE = /[a-z2-7]{26,}/giu;

/** What somebody else's words are kept as: one line, and no token in it. */
export const quoted = (words: string): string =>
  words
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(TOKEN_LIKE, '…')
    .trim()
    .slice(0, MAX_DETAIL);

/** Why a mail of ours was given up for good, as a bounce says it; undefined of all that says something else, such as a delay. */
export function failureOf(raw: Buffer, text: string): string | undefined {
  const report = statusPart(raw);
  if (report === undefined) return GIVEN_UP.test(text) ? quoted(givenUpBecause(text)) : undefined;
  for (const group of report.split(/\r?\n\r?\n/u)) {
    const lines = headerLines(Buffer.from(group.trim(), 'latin1')) ?? [];
    const field = (name: string): string => valuesOf(lines, name)[0]?.trim() ?? '';
    const [action, status] = [field('action').toLowerCase(), field('status')];
    if (action === 'failed' || (action === '' && status.startsWith('5.')))
      return quoted(`${status} ${field('diagnostic-code').replace(/^[\w-]+;/u, '')}`);
  }
  return undefined;
}

/** The part of a report that machines read. */
function statusPart(raw: Buffer): string | undefined {
  const type = typeOf(raw);
  const [, inQuotes, bare] = /\bboundary=(?:"([^"]+)"|([^\s;]+))/iu.exec(type) ?? [];
  const boundary = inQuotes ?? bare;
  if (!/^multipart\/report\b/iu.test(type) || boundary === undefined) return undefined;
  const parts = raw.toString('latin1').split(`\n--${boundary}`).slice(1);
  const part = parts
    .map(withoutFirstLine)
    .find((one) => STATUS_PART.test(typeOf(Buffer.from(one, 'latin1'))));
  if (part === undefined) return undefined;
  const [head = ''] = part.split(/\r?\n\r?\n/u, 1);
  const body = part.slice(head.length).trimStart();
  const isBase64 = /^content-transfer-encoding:\s*base64/imu.test(head);
  return isBase64 ? Buffer.from(body, 'base64').toString('latin1') : body;
}

const typeOf = (raw: Buffer): string => valuesOf(headerLines(raw) ?? [], 'content-type')[0] ?? '';
const withoutFirstLine = (part: string): string => part.slice(part.indexOf('\n') + 1);

/** The line with the answer of the server that refused it. */
const givenUpBecause = (text: string): string =>
  text.split('\n').find((line) => /\b5\d\d[ -]|\b5\.\d+\.\d+\b/u.test(line)) ?? 'a permanent error';
