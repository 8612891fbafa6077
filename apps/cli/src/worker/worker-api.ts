import { Hidden } from '@lineclear/credentials';
import { z } from 'zod';
import { problem } from '../answers.js';
import { readSmallFile } from '../commands/secrets-set.js';
import { CliError } from '../domain/cli-error.js';
import { codeOf, parseJson } from '../own-files.js';

const ANSWER_MS = 30_000;
// Longer than the server keeps anybody waiting for a task.
const TAKE_MS = 60_000;

const registered = z.object({
  worker_id: z.string(),
  name: z.string(),
  provider: z.string(),
  heartbeat_seconds: z.number().positive(),
});
const heard = z.object({ stop: z.array(z.string()), abandon: z.array(z.string()) });
const given = z.object({ name: z.string(), value: z.string().transform((value) => new Hidden(value)) });
const task = z.object({
  id: z.string().regex(/^lc-[0-9a-f]{32}-a\d{1,10}$/),
  lease: z.uuid(),
  job_id: z.string(),
  attempt: z.int(),
  config: z.object({
    command: z.array(z.string()).min(1),
    env: z.record(z.string(), z.string()),
    working_directory: z.string().optional(),
  }),
  env: z.array(given.extend({ variable: z.string() })),
  files: z.array(given.extend({ file: z.string(), variable: z.string().nullable() })),
  max_runtime_seconds: z.number().nullable(),
  output_path: z.string().nullable(),
  checkpoint_path: z.string().nullable().default(null),
});
const taken = z.object({ task: task.nullable() });
const accepted = z.object({ accepted: z.literal(true) });
const outputTaken = z.object({ taken: z.int().min(0), stop: z.boolean() });

const refusal = problem.extend({ code: z.string().optional() });
const KINDS: Readonly<Record<string, Refused['kind']>> = {
  not_authenticated: 'unknown token',
  not_found: 'not ours',
  conflict: 'not ours',
  gone: 'removed',
};

export type Task = z.infer<typeof task>;
/** How a task stands, as the server is told. */
export type Report =
  | { readonly state: 'running' | 'returned' }
  | {
      readonly state: 'succeeded' | 'failed' | 'cancelled' | 'timed_out' | 'lost';
      readonly exit_code: number | null;
      readonly message: string | null;
    };
/** Which task it is about, and by which handing over. */
export interface Lease {
  readonly id: string;
  readonly lease: string;
}

/**
 * What the server said no with. `away`: nothing, or not now. `unknown token`: it may know the next one. `not ours`: the task
 * is another's, or over. `removed`: this worker is nobody's any more.
 */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly kind: 'away' | 'unknown token' | 'not ours' | 'removed',
    message: string,
  ) {
    super(message);
  }
}

/** The HTTP API as a worker. */
export class WorkerApi {
  constructor(
    private readonly server: URL,
    private readonly tokenFile: string,
  ) {}

  register(said: {
    readonly version: string;
    readonly slots: number;
    readonly labels: Readonly<Record<string, string>>;
    readonly held: readonly string[];
  }) {
    return this.#ask('register', registered, said);
  }

  heartbeat(tasks: readonly Lease[], draining: boolean) {
    return this.#ask('heartbeat', heard, { tasks, draining });
  }

  async take(held: readonly string[], signal: AbortSignal): Promise<Task | null> {
    return (await this.#ask('take', taken, { held }, TAKE_MS, signal)).task;
  }

  async say({ id, lease }: Lease, report: Report): Promise<void> {
    await this.#ask(`tasks/${id}/status`, accepted, { lease, ...report });
  }

  log(
    { id, lease }: Lease,
    part: { at: number; text: string; is_final: boolean; hidden: readonly string[] },
  ): Promise<z.infer<typeof outputTaken>> {
    return this.#ask(`tasks/${id}/log`, outputTaken, { lease, ...part });
  }

  /** Whether the file has something that may be a token. @throws CliError */
  async token(): Promise<Hidden<string>> {
    const token = (await readSmallFile(this.tokenFile)).trim();
    if (!/^wt_[\w-]{20,200}$/.test(token)) throw new CliError(`${this.tokenFile} has no token of a worker`);
    return new Hidden(token);
  }

  /** @throws Refused */
  async #ask<T>(
    path: string,
    answer: z.ZodType<T>,
    body: object,
    timeoutMs = ANSWER_MS,
    signal?: AbortSignal,
  ): Promise<T> {
    const url = new URL(`${this.server.href.replace(/\/$/, '')}/api/workers/${path}`);
    let response: Response;
    let text: string;
    try {
      // Read anew each time: it may be replaced while we work.
      const token = (await this.token()).reveal();
      response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
        headers: { 'x-worker-token': token, 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      });
      text = await response.text();
    } catch (error) {
      if (error instanceof CliError) throw new Refused('away', error.message);
      const why = codeOf(error instanceof Error ? error.cause : undefined);
      throw new Refused('away', `${url.origin} cannot be reached (${why})`);
    }
    if (response.ok) {
      const parsed = answer.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      throw new Refused('away', `${url.origin} does not answer as Lineclear does`);
    }
    throw refusalOf(response.status, text);
  }
}

function refusalOf(status: number, text: string): Refused {
  const { data } = refusal.safeParse(parseJson(text));
  const said = data?.detail ?? data?.title ?? `the server answered ${status}`;
  // By what Lineclear itself says, and not by the status alone: a proxy in front of it may answer 404 while it is away.
  return new Refused(KINDS[data?.code ?? ''] ?? 'away', said);
}
