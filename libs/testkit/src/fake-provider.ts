import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** When a run ends: never by itself, at the first look, after so many looks, or after so many milliseconds. */
export type Finish = 'never' | 'at once' | { readonly polls: number } | { readonly ms: number };
export type FakeCall = 'submit' | 'find' | 'status' | 'cancel' | 'logs';
/** How a call goes wrong: an error answer; no answer ever; or the work is done and the connection then breaks. */
export type Fault =
  | { readonly status: number; readonly retryAfterSeconds?: number; readonly body?: unknown }
  | 'hang'
  | 'lose the answer'
  | 'break before';

export interface FakeProviderOptions {
  /** For all runs, or for each by itself. */
  readonly finish?: Finish | ((run: FakeRun) => Finish);
  /** How a run ends that nobody cancels, by its submit: well, where it is not said. */
  readonly ends?: (submit: { readonly key: string; readonly config?: unknown }) => 'succeeded' | 'failed';
  /** Every answer comes this much later. */
  readonly delayMs?: number;
  /** Callers must send `Authorization: Bearer <token>`; without one they may be anybody. */
  readonly token?: string | undefined;
  /** Accounts by their tokens: a run is the account's that made it, and is not there for others. Unknown tokens are refused. */
  readonly accounts?: Readonly<Record<string, string>> | undefined;
  /** A key that exists is refused with 409; otherwise, as with most providers, it makes a second run. */
  readonly refusesDuplicates?: boolean;
}

export interface FakeRun {
  readonly id: string;
  readonly key: string;
  readonly createdAtMs: number;
  readonly config: unknown;
  /** What becomes of it, unless it is cancelled. */
  readonly end: 'succeeded' | 'failed';
  status: string;
  polls: number;
  progress?: number;
  message?: string;
  log: string;
  /** Whose it is, where there are accounts. */
  readonly account: string | undefined;
}

export interface FakeProvider {
  readonly url: string;
  /** How many runs were made under this key: more than one is money spent twice. */
  runsOf(key: string): number;
  /** How many submits came in under this key, whatever became of them. */
  submitsOf(key: string): number;
  /** The newest run under this key. */
  run(key: string): FakeRun | undefined;
  readonly totalRuns: number;
  /** The most runs that any one key has. */
  readonly mostRunsOfOneKey: number;
  /** The latest bodies of submits (at most 1,000), oldest first. */
  readonly bodies: readonly unknown[];
  /** How often each call was made. */
  readonly calls: Readonly<Record<FakeCall, number>>;
  /** Changes how it behaves from now on. */
  set(options: FakeProviderOptions): void;
  /** The next `times` calls of this kind go wrong. */
  failNext(call: FakeCall, times: number, fault: Fault): void;
  /** Sets what the next look at the run shows. */
  change(key: string, change: Partial<Pick<FakeRun, 'status' | 'progress' | 'message' | 'log'>>): void;
  /** The run is not there any more. */
  forget(key: string): void;
  close(): Promise<void>;
}

const MAX_BODIES = 1_000;
const FINAL = ['succeeded', 'failed', 'cancelled'];

/**
 * Starts a compute provider that holds its runs in memory: `POST /runs {key, config}`, `GET /runs?key=`,
 * `GET /runs/{id}`, `POST /runs/{id}/cancel`, `DELETE /runs/{id}`, `GET /runs/{id}/logs`. It is a real HTTP server, and can fail like one.
 */
export async function startFakeProvider(initial: FakeProviderOptions = {}): Promise<FakeProvider> {
  let options = initial;
  let made = 0;
  let mostRunsOfOneKey = 0;
  const runs = new Map<string, FakeRun>();
  const idsByKey = new Map<string, string[]>();
  const submits = new Map<string, number>();
  const bodies: unknown[] = [];
  const calls: Record<FakeCall, number> = { submit: 0, find: 0, status: 0, cancel: 0, logs: 0 };
  const faults: Record<FakeCall, Fault[]> = { submit: [], find: [], status: [], cancel: [], logs: [] };

  const newest = (key: string): FakeRun | undefined => runs.get(idsByKey.get(key)?.at(-1) ?? '');

  function submit(body: unknown, account: string | undefined): Reply {
    const { key, config } = body as { key?: unknown; config?: unknown };
    if (typeof key !== 'string' || key === '') return [422, { error: 'key is missing' }];
    submits.set(key, (submits.get(key) ?? 0) + 1);
    bodies.push(body);
    if (bodies.length > MAX_BODIES) bodies.shift();
    const ids = idsByKey.get(key) ?? [];
    if (options.refusesDuplicates && ids.length > 0) return [409, { error: 'this key exists' }];
    made += 1;
    const run: FakeRun = {
      id: `run-${made}`,
      key,
      createdAtMs: Date.now(),
      config,
      end: options.ends?.({ key, config }) ?? 'succeeded',
      status: 'queued',
      polls: 0,
      log: '',
      account,
    };
    runs.set(run.id, run);
    idsByKey.set(key, [...ids, run.id]);
    mostRunsOfOneKey = Math.max(mostRunsOfOneKey, ids.length + 1);
    return [201, { id: run.id, status: run.status }];
  }

  function status(run: FakeRun): Reply {
    run.polls += 1;
    if (!FINAL.includes(run.status) && isOver(run, options.finish ?? 'never')) run.status = run.end;
    else if (run.status === 'queued') run.status = 'running';
    const { id, key, progress, message } = run;
    return [200, { id, key, status: run.status, progress, message }];
  }

  function cancel(run: FakeRun): Reply {
    if (!FINAL.includes(run.status)) run.status = 'cancelled';
    return [200, { id: run.id, status: run.status }];
  }

  function answer(
    call: FakeCall,
    path: readonly string[],
    query: URLSearchParams,
    body: unknown,
    account: string | undefined,
  ): Reply {
    if (call === 'submit') return submit(body, account);
    if (call === 'find') {
      const ids = idsByKey.get(query.get('key') ?? '') ?? [];
      return [
        200,
        {
          items: ids.filter((id) => runs.get(id)?.account === account && runs.has(id)).map((id) => ({ id })),
        },
      ];
    }
    const run = runs.get(path[1] ?? '');
    if (!run || run.account !== account) return [404, { error: 'no such run' }];
    if (call === 'status') return status(run);
    if (call === 'cancel' && path.length === 2) runs.delete(run.id);
    return call === 'cancel' ? cancel(run) : [200, { text: run.log }];
  }

  function handle(request: IncomingMessage, response: ServerResponse, raw: string): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const path = url.pathname.split('/').filter(Boolean);
    const call = callOf(request.method ?? 'GET', path);
    if (!call) return reply(response, [404, { error: 'no such path' }]);
    calls[call] += 1;
    if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`)
      return reply(response, [401, { error: 'who is it?' }]);
    const account = options.accounts?.[request.headers.authorization?.replace(/^Bearer /, '') ?? ''];
    if (options.accounts && account === undefined) return reply(response, [401, { error: 'who is it?' }]);
    const fault = faults[call].shift();
    if (fault === 'break before') return void request.socket.destroy();
    if (typeof fault === 'object')
      return reply(
        response,
        [fault.status, fault.body ?? { error: 'told to fail' }],
        fault.retryAfterSeconds,
      );
    const result = answer(call, path, url.searchParams, raw === '' ? {} : JSON.parse(raw), account);
    if (fault === 'lose the answer') return void request.socket.destroy();
    if (fault !== 'hang') reply(response, result);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8');
      if (options.delayMs) setTimeout(() => handle(request, response, raw), options.delayMs);
      else handle(request, response, raw);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runsOf: (key) => idsByKey.get(key)?.length ?? 0,
    submitsOf: (key) => submits.get(key) ?? 0,
    run: newest,
    get totalRuns() {
      return made;
    },
    get mostRunsOfOneKey() {
      return mostRunsOfOneKey;
    },
    bodies,
    calls,
    set: (changed) => {
      options = { ...options, ...changed };
    },
    failNext: (call, times, fault) => void faults[call].push(...Array.from({ length: times }, () => fault)),
    change: (key, change) => void Object.assign(newest(key) ?? {}, change),
    forget(key) {
      for (const id of idsByKey.get(key) ?? []) runs.delete(id);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** How a configuration file describes the fake provider at this base URL; `more` takes the place of whole fields. */
export const fakeProviderConfig = (baseUrl: string, more: object = {}): object => ({
  type: 'http',
  base_url: baseUrl,
  submit: {
    method: 'POST',
    path: '/runs',
    body: { key: '{run_key}', config: '{config}' },
    external_id: '/id',
  },
  find: { method: 'GET', path: '/runs?key={run_key}', external_id: '/items/0/id' },
  status: {
    method: 'GET',
    path: '/runs/{external_id}',
    state: '/status',
    progress: '/progress',
    message: '/message',
    cost_usd: '/cost',
  },
  cancel: { method: 'POST', path: '/runs/{external_id}/cancel' },
  logs: { method: 'GET', path: '/runs/{external_id}/logs', text: '/text' },
  states: {
    queued: 'submitted',
    running: 'running',
    succeeded: 'succeeded',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  poll_interval_seconds: 0.5,
  hardware: { 'gpu-a100': { cost_per_hour_usd: 4 } },
  ...more,
});

type Reply = readonly [status: number, body: unknown];

function isOver(run: FakeRun, of: NonNullable<FakeProviderOptions['finish']>): boolean {
  const finish = typeof of === 'function' ? of(run) : of;
  if (typeof finish === 'string') return finish === 'at once';
  return 'polls' in finish ? run.polls >= finish.polls : Date.now() - run.createdAtMs >= finish.ms;
}

function callOf(method: string, path: readonly string[]): FakeCall | undefined {
  if (path[0] !== 'runs' || path.length > 3) return undefined;
  if (path.length === 1) return method === 'POST' ? 'submit' : 'find';
  if (path.length === 2) return method === 'DELETE' ? 'cancel' : 'status';
  return path[2] === 'cancel' ? 'cancel' : path[2] === 'logs' ? 'logs' : undefined;
}

function reply(response: ServerResponse, [status, body]: Reply, retryAfterSeconds?: number): void {
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    })
    .end(JSON.stringify(body));
}
