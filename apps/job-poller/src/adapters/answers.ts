import type { z } from 'zod';
import { ProviderFailure, type LogPart } from './adapter.js';
import { failureOf, isSuccess, notAnswered, type HttpAnswer } from './provider-http.js';

/** Says of what a provider answered that it is not what it documents: whatever was asked for may have happened. */
export function checked<T extends z.ZodType>(schema: T, given: unknown): z.infer<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  // Where, but not what: an answer may repeat what it was given.
  const [issue] = parsed.error.issues;
  throw new ProviderFailure(
    'unknown',
    `its answer is not as documented: ${issue?.path.join('.') || 'all of it'}: ${issue?.message}`,
  );
}

/** A stop that was refused, or whose run is not there, is no failure: it is over, or the next look shows what is. */
export function throwUnlessStopped(answer: HttpAnswer): void {
  if (isSuccess(answer)) return;
  const { kind } = failureOf(answer);
  if (kind !== 'refused' && kind !== 'exists') throw notAnswered(answer);
}

/** What is new of a log that is handed out whole each time; the cursor is how much of it was read. */
export function partOfWhole(whole: string, cursor: string | null, isOver: boolean): LogPart {
  const read = Number(cursor ?? 0);
  const settled = isOver ? whole : whole.slice(0, whole.lastIndexOf('\n') + 1);
  return { text: settled.slice(read), cursorAt: (taken) => String(read + taken), more: false };
}

/** What a provider says of an error, which may be a text or any JSON. */
export const textOf = (said: unknown): string | undefined =>
  said === undefined || said === null || said === ''
    ? undefined
    : typeof said === 'string'
      ? said
      : JSON.stringify(said);

// Long ones are images in base64, and worth nothing in a log.
const KEPT_OUTPUT_CHARS = 16_384;

/** The last line of a log whose provider deletes what a run put out soon after its end. */
export function outputLine(output: unknown): string {
  if (output === undefined || output === null) return '';
  const text = JSON.stringify(output);
  return `\noutput: ${text.length <= KEPT_OUTPUT_CHARS ? text : `${text.length} characters, too long to be kept here`}\n`;
}
