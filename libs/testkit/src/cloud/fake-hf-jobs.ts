import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeHfJobsCall = 'run' | 'list' | 'inspect' | 'cancel' | 'logs' | 'hardware';

/** A job, in the words of the API. */
export interface FakeHfJob {
  readonly id: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { stage: string; message: string | null };
  /** What was sent, its secrets among it, which no answer shows. */
  readonly given: Readonly<Record<string, unknown>>;
  log: string;
}

export interface FakeHfJobs extends FakeHttp<FakeHfJobsCall> {
  /** Newest first. */
  readonly jobs: FakeHfJob[];
  readonly hardware: unknown[];
  /** Called after each page of a list. */
  afterPage: (() => void) | undefined;
}

const PAGE = 100;
const LIVE = ['SCHEDULING', 'RUNNING'];

/** Speaks the HTTP of Hugging Face Jobs, below `/api/jobs`. */
export async function startFakeHfJobs(options: {
  readonly token: string;
  readonly namespace: string;
}): Promise<FakeHfJobs> {
  const jobs: FakeHfJob[] = [];
  const hardware: unknown[] = [];
  let made = 0;

  const shown = ({ id, createdAt, labels, status, given }: FakeHfJob): unknown => ({
    id,
    createdAt,
    labels,
    status,
    flavor: given['flavor'],
    owner: { id: '5e9ecfc04957053f60648a3e', name: options.namespace, type: 'org' },
  });

  const run = ({ body }: FakeRequest): FakeAnswer => {
    made += 1;
    const given = body as Record<string, unknown> & { labels?: Record<string, string> };
    const one: FakeHfJob = {
      id: `687fb701029421ae${String(made).padStart(8, '0')}`,
      createdAt: '2026-11-28T10:00:00.079Z',
      labels: given.labels ?? {},
      status: { stage: 'SCHEDULING', message: null },
      given,
      log: '',
    };
    jobs.unshift(one);
    return { status: 200, body: shown(one) };
  };

  /** The cursor is the last id that was shown, so that what is added or goes meanwhile shifts nothing. */
  const list = (query: URLSearchParams): FakeAnswer => {
    const [stages, labels, cursor] = [query.getAll('stage'), query.getAll('label'), query.get('cursor')];
    const matching = jobs.filter(
      (job) =>
        (stages.length === 0 || stages.includes(job.status.stage)) &&
        labels.every((label) => job.labels[label.split('=')[0] ?? ''] === label.split('=')[1]) &&
        (cursor === null || job.id < cursor),
    );
    const page = matching.slice(0, PAGE);
    const rest = new URLSearchParams(query);
    rest.set('cursor', page.at(-1)?.id ?? '');
    const next = `<https://elsewhere.test/api/jobs/${options.namespace}?${rest.toString()}>; rel="next"`;
    const answer = {
      status: 200,
      body: structuredClone(page.map(shown)),
      ...(matching.length > PAGE ? { headers: { link: next } } : {}),
    };
    started.afterPage?.();
    return answer;
  };

  /** The whole output, each line an event; of a job that goes on the stream has no end, and no half lines. */
  const logs = (job: FakeHfJob): FakeAnswer => {
    const isLive = LIVE.includes(job.status.stage);
    const lines = isLive ? job.log.slice(0, job.log.lastIndexOf('\n') + 1) : job.log;
    const events = ['===== Job started at 2026-11-28 10:00:00 =====', ...lines.split('\n')];
    if (events.at(-1) === '') events.pop();
    const body = events
      .map((data) => `data: ${JSON.stringify({ data, timestamp: '2026-11-28T10:00:00.000Z' })}\n\n`)
      .join('');
    const headers = { 'content-type': 'text/event-stream' };
    return { status: 200, body: `: keep-alive\n\n${body}`, headers, keepOpen: isLive };
  };

  const route = (request: FakeRequest): FakeRoute<FakeHfJobsCall> | undefined => {
    const [, , namespace, id, operation] = request.path;
    if (namespace === 'hardware')
      return { call: 'hardware', answer: () => ({ status: 200, body: hardware }) };
    if (namespace !== options.namespace) return undefined;
    const one = (answer: (job: FakeHfJob) => FakeAnswer) => (): FakeAnswer => {
      const found = jobs.find((job) => job.id === id);
      return found ? answer(found) : { status: 404, body: { error: 'Job not found' } };
    };
    if (request.method === 'POST' && operation === 'cancel')
      return {
        call: 'cancel',
        answer: one((job) => {
          if (!LIVE.includes(job.status.stage)) return { status: 400, body: { error: 'Job is not running' } };
          job.status.stage = 'CANCELED';
          return { status: 200, body: shown(job) };
        }),
      };
    if (request.method === 'POST') return { call: 'run', answer: () => run(request) };
    if (id === undefined) return { call: 'list', answer: () => list(request.query) };
    if (operation === 'logs') return { call: 'logs', answer: one(logs) };
    return { call: 'inspect', answer: one((job) => ({ status: 200, body: shown(job) })) };
  };

  const fake = await startFakeHttp<FakeHfJobsCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${options.token}`,
  });
  const started: FakeHfJobs = { ...fake, url: `${fake.url}/api/jobs`, jobs, hardware, afterPage: undefined };
  return started;
}
