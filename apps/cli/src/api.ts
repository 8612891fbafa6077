import type { z } from 'zod';
import { problem } from './answers.js';
import { CliError, EXIT, type ExitCode } from './domain/cli-error.js';
import { codeOf, currentSession, parseJson, type Session } from './own-files.js';
import { timeoutSecondsOf } from './timeout.js';
import type { World } from './world.js';

const MAX_ANSWER_BYTES = 16_777_216;

interface Asked {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
}

/** The HTTP API as one person. */
export interface Api {
  readonly session: Session;
  /** Asks, and reads the answer. @throws CliError that says what the server said. */
  readonly ask: <T>(method: string, path: string, answer: z.ZodType<T>, asked?: Asked) => Promise<T>;
}

/** What the server refused with, for those who can go on after a certain status. */
export class Refusal extends CliError {
  constructor(
    message: string,
    exitCode: ExitCode,
    readonly status: number,
  ) {
    super(message, exitCode);
  }
}

/** The API as who is logged in. @throws CliError when nobody is */
export const openApi = async (world: World): Promise<Api> => apiAs(await currentSession(world), world);

export function apiAs(session: Session, world: World): Api {
  const timeoutSeconds = timeoutSecondsOf(world);
  return {
    session,
    ask: async (method, path, answer, { query = {}, body } = {}) => {
      const url = new URL(`${session.url.href.replace(/\/$/, '')}${path}`);
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) url.searchParams.set(name, String(value));
      const { status, text } = await send(url, session, method, body, timeoutSeconds);
      if (status < 200 || status > 299) throw refusalOf(status, text);
      const parsed = answer.safeParse(text === '' ? undefined : parseJson(text));
      if (!parsed.success) throw new CliError(`${session.url.origin} does not answer as Lineclear does`);
      return parsed.data;
    },
  };
}

async function send(
  url: URL,
  { key }: Session,
  method: string,
  body: object | undefined,
  timeoutSeconds: number,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method,
      // The key is for this server: it goes nowhere that it points to.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutSeconds * 1_000),
      headers: {
        authorization: `Bearer ${key.reveal()}`,
        accept: 'application/json, application/problem+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await boundedText(response, url) };
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new CliError(`${url.origin} did not answer within ${timeoutSeconds} seconds`);
    const why = codeOf(error instanceof Error ? error.cause : undefined);
    throw new CliError(`${url.origin} cannot be reached (${why})`);
  }
}

async function boundedText(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new CliError(`${url.origin} answers with more than 16 MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusalOf(status: number, text: string): Refusal {
  const { data } = problem.safeParse(parseJson(text));
  const fields = (data?.errors ?? []).slice(0, 5).map(({ path, message }) => `${path} ${message}`);
  const said = [data?.detail ?? data?.title ?? `the server answered ${status}`, ...fields].join('; ');
  if (status === 401) return new Refusal(`the key is not valid here: ${said}`, EXIT.notLoggedIn, status);
  return new Refusal(said, status === 403 || status === 404 ? EXIT.refused : EXIT.failed, status);
}
