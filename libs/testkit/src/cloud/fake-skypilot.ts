import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeSkypilotCall =
  'launch' | 'queue' | 'cancel' | 'logs' | 'result' | 'status' | 'cancel request';

/** A managed job, in the words of the API. */
export interface FakeSkypilotJob {
  readonly job_id: number;
  readonly job_name: string;
  status: string;
  readonly submitted_at: number;
  end_at: number | null;
  failure_reason: string | null;
  /** Not in the queue's answer: what was launched, as it was sent, and what the job printed. */
  readonly task: string;
  log: string;
}

interface Request {
  readonly request_id: string;
  readonly name: string;
  status: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  return_value: string;
  error: string;
  /** What it does when it is worked on, and what it answers. */
  readonly work: () => unknown;
}

export interface FakeSkypilot extends FakeHttp<FakeSkypilotCall> {
  readonly jobs: FakeSkypilotJob[];
  /** The bodies that were posted, each with its path. */
  readonly bodies: readonly { readonly path: string; readonly body: Record<string, unknown> }[];
  /** Launches wait in its queue until `work`. */
  holdLaunches(): void;
  work(): void;
  /** The next request of this name (`jobs.launch`) fails when it is worked on; `after` what it does was done. */
  failRequest(name: string, type: string, message: string, after?: boolean): void;
  /** Requests that are done are forgotten. */
  forgetRequests(): void;
  /** The controller of jobs sleeps until it is asked with `refresh`. */
  sleep(): void;
}

const OVER = /^(SUCCEEDED|CANCELLED|FAILED.*)$/;
const NAMES: Readonly<Record<string, readonly [FakeSkypilotCall, string]>> = {
  'POST jobs/launch': ['launch', 'jobs.launch'],
  'POST jobs/queue/v2': ['queue', 'jobs.queue_v2'],
  'POST jobs/cancel': ['cancel', 'jobs.cancel'],
  'POST api/cancel': ['cancel request', 'api.cancel'],
};

/** Speaks what a SkyPilot API server says of managed jobs: a request is answered with its id, and its result is another call. */
export async function startFakeSkypilot(options: { readonly token: string }): Promise<FakeSkypilot> {
  const jobs: FakeSkypilotJob[] = [];
  const requests: Request[] = [];
  const bodies: { path: string; body: Record<string, unknown> }[] = [];
  const failures: { name: string; type: string; message: string; after: boolean }[] = [];
  let made = 0;
  let isHeld = false;
  let isAsleep = false;

  const work = (one: Request): void => {
    const at = failures.findIndex(({ name }) => one.name === `sky.${name}`);
    const [failure] = at < 0 ? [] : failures.splice(at, 1);
    try {
      if (failure && !failure.after) throw Object.assign(new Error(failure.message), { name: failure.type });
      one.return_value = JSON.stringify(one.work());
      if (failure) throw Object.assign(new Error(failure.message), { name: failure.type });
      one.status = 'SUCCEEDED';
    } catch (error) {
      const { name, message } = error as Error;
      one.status = 'FAILED';
      one.error = JSON.stringify({ object: 'gASVdw==', type: name, message });
    }
  };

  const launch = (body: Record<string, unknown>) => (): unknown => {
    made += 1;
    jobs.push({
      job_id: made,
      job_name: String(body['name']),
      status: 'PENDING',
      submitted_at: 1_700_000_000 + made,
      end_at: null,
      failure_reason: null,
      task: String(body['task']),
      log: '',
    });
    return { job_id: made, handle: null };
  };

  const queue = (body: Record<string, unknown>) => (): unknown => {
    if (isAsleep && body['refresh'] !== true)
      throw Object.assign(new Error('Controller is not up.'), { name: 'ClusterNotUpError' });
    isAsleep = false;
    const ids = body['job_ids'] as number[] | undefined;
    const name = body['name_match'] as string | undefined;
    const found = jobs.filter(
      (job) =>
        (ids === undefined || ids.includes(job.job_id)) &&
        (name === undefined || job.job_name.includes(name)) &&
        !(body['skip_finished'] === true && OVER.test(job.status)),
    );
    const shown = found.map(({ task: _task, log: _log, ...job }) => job);
    return { jobs: shown, total: shown.length, total_no_filter: jobs.length, status_counts: {} };
  };

  const cancel = (body: Record<string, unknown>) => (): unknown => {
    const ids = body['job_ids'] as number[] | undefined;
    for (const job of jobs)
      if ((ids?.includes(job.job_id) || job.job_name === body['name']) && !OVER.test(job.status))
        job.status = 'CANCELLED';
    return null;
  };

  const cancelRequests = (body: Record<string, unknown>) => (): unknown => {
    for (const one of requests)
      if ((body['request_ids'] as string[]).includes(one.request_id) && one.status === 'PENDING')
        one.status = 'CANCELLED';
    return [];
  };

  const post = (path: string, name: string, body: Record<string, unknown>): FakeAnswer => {
    bodies.push({ path, body });
    const works: Readonly<Record<string, (body: Record<string, unknown>) => () => unknown>> = {
      'jobs.launch': launch,
      'jobs.queue_v2': queue,
      'jobs.cancel': cancel,
      'api.cancel': cancelRequests,
    };
    const one: Request = {
      request_id: `req-${requests.length}-${bodies.length}`,
      name: `sky.${name}`,
      status: 'PENDING',
      return_value: 'null',
      error: 'null',
      work: works[name]?.(body) ?? (() => null),
    };
    requests.push(one);
    if (!(isHeld && name === 'jobs.launch')) work(one);
    return { status: 200, body: 'null', headers: { 'x-skypilot-request-id': one.request_id } };
  };

  const shown = ({ work: _work, ...one }: Request): unknown => ({ ...one, entrypoint: 'sky', pid: null });

  const result = ({ query }: FakeRequest): FakeAnswer => {
    const id = query.get('request_id');
    const found = requests.find(({ request_id }) => request_id === id);
    if (!found) return { status: 404, body: { detail: `Request '${id}' not found` } };
    // The server itself would wait: a proxy in front of it does not, without end.
    if (found.status === 'PENDING') return { status: 504, body: 'upstream request timeout' };
    return found.status === 'FAILED'
      ? { status: 500, body: { detail: shown(found) } }
      : { status: 200, body: shown(found) };
  };

  const status = ({ query }: FakeRequest): FakeAnswer => {
    const ids = query.getAll('request_ids');
    const found = requests.filter(
      (one) =>
        (ids.length === 0 || ids.includes(one.request_id)) &&
        (query.get('all_status') === 'true' || one.status === 'PENDING'),
    );
    if (ids.length > 0 && found.length === 0)
      return { status: 404, body: { detail: `Request '${ids[0]}' not found` } };
    return { status: 200, body: found.map(shown) };
  };

  const logs = (body: Record<string, unknown>): FakeAnswer => {
    const job = jobs.find((one) => one.job_id === body['job_id'] || one.job_name === body['name']);
    return { status: 200, body: job?.log ?? 'Job not found\n' };
  };

  const route = (request: FakeRequest): FakeRoute<FakeSkypilotCall> | undefined => {
    const path = request.path.join('/');
    const body = (request.body ?? {}) as Record<string, unknown>;
    const named = NAMES[`${request.method} ${path}`];
    if (named) return { call: named[0], answer: () => post(path, named[1], body) };
    switch (`${request.method} ${path}`) {
      case 'GET api/get':
        return { call: 'result', answer: () => result(request) };
      case 'GET api/status':
        return { call: 'status', answer: () => status(request) };
      case 'POST jobs/logs':
        return { call: 'logs', answer: () => logs(body) };
      default:
        return undefined;
    }
  };

  const fake = await startFakeHttp<FakeSkypilotCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${options.token}`,
  });
  return {
    ...fake,
    jobs,
    bodies,
    holdLaunches: () => void (isHeld = true),
    work() {
      isHeld = false;
      for (const one of requests) if (one.status === 'PENDING') work(one);
    },
    failRequest: (name, type, message, after = false) => void failures.push({ name, type, message, after }),
    forgetRequests: () => void (requests.length = 0),
    sleep: () => void (isAsleep = true),
  };
}
