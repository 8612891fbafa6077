import type { IncomingMessage } from 'node:http';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BadInput, TooLarge } from './errors.js';

/** Bytes of a request body that are read at most, unless a route says otherwise. */
export const MAX_BODY_BYTES = 1_048_576;
const MAX_DRAINED_BYTES = 32 * MAX_BODY_BYTES;
const MAX_DEPTH = 32;

const FORM = /^application\/x-www-form-urlencoded\b/i;

/**
 * This route is called by others with an HTML form's encoding, as their standard wants it: these fields of the form are
 * its body. What else a form holds is left out.
 */
export const TakesForm = (...formFields: readonly string[]): MethodDecorator => RouteConfig({ formFields });

/** What others send to this route is signed: its bytes are for the signature, and nobody reads more into them before. */
export const TakesBytes = (): MethodDecorator => RouteConfig({ bytesOnly: true });

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as they came: signatures are over these. */
    rawBody?: Buffer;
  }
}

/** Nobody reads this answer: the client went away while it sent. */
class Aborted extends BadInput {
  override readonly level = 'debug';
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads every body as JSON, whatever type it claims: `curl -d '{…}'` says form-urlencoded and means JSON.
 * (A browser's form cannot use that to act for a logged-in user: cookie sessions need a CSRF header.)
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    request.rawBody = await readAll(payload);
    const { formFields, bytesOnly } = request.routeOptions.config as {
      formFields?: readonly string[];
      bytesOnly?: true;
    };
    if (bytesOnly) return undefined;
    if (formFields && FORM.test(request.headers['content-type'] ?? ''))
      return formOf(request.rawBody, formFields);
    return parseJson(request.rawBody);
  });
}

/** Reads a body up to its limit; more is thrown away unkept, so that the client, still sending, gets to read the answer. */
function readAll(payload: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = (): TooLarge => new TooLarge(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    payload.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (size > MAX_DRAINED_BYTES) reject(tooLarge());
    });
    payload.on('end', () =>
      size > MAX_BODY_BYTES
        ? reject(tooLarge())
        : resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
    );
    payload.on('error', (cause) =>
      reject(new Aborted([{ path: '', message: 'the body broke off' }], { cause })),
    );
  });
}

/** Parses UTF-8 JSON; no bytes are no value. @throws BadInput for bad UTF-8, broken JSON, or values that no field of ours can hold. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new BadInput([{ path: '', message: 'the body is not valid UTF-8' }], { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text, which may be a secret on its way in: only the place is told, here and in the log.
    const place =
      / in JSON( at position \d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1] ?? '';
    throw BadInput.at('', `the body is not valid JSON${place}`);
  }
  refuseUnstorable(value, []);
  return value;
}

function formOf(bytes: Buffer, names: readonly string[]): Record<string, string> {
  const form = new URLSearchParams(bytes.toString('utf8'));
  const given = names.filter((name) => form.has(name));
  for (const name of given)
    if (form.getAll(name).length > 1) throw BadInput.at(name, 'is there more than once');
  const fields = Object.fromEntries(given.map((name) => [name, form.get(name) ?? '']));
  refuseUnstorable(fields, []);
  return fields;
}

/**
 * Refuses what would only fail later: bottomless nesting, NUL and lone surrogates (Postgres takes neither), `__proto__`, and
 * numbers that are read as infinite and written as null.
 */
export function refuseUnstorable(value: unknown, path: readonly (string | number)[]): void {
  if (typeof value === 'string') {
    if (value.includes('\u0000')) throw BadInput.at(path.join('.'), 'holds a NUL character');
    if (!value.isWellFormed()) throw BadInput.at(path.join('.'), 'holds half a surrogate pair');
    return;
  }
  if (value === Infinity || value === -Infinity) throw BadInput.at(path.join('.'), 'is too large a number');
  if (value === null || typeof value !== 'object') return;
  if (path.length >= MAX_DEPTH)
    throw BadInput.at(path.slice(0, 4).join('.'), `is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) {
    value.forEach((item, index) => refuseUnstorable(item, [...path, index]));
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__' || key.includes('\u0000') || !key.isWellFormed())
      throw BadInput.at(path.join('.'), 'has a key that is not allowed');
    refuseUnstorable(item, [...path, key]);
  }
}
