import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeRunpodPodsCall = 'create' | 'get' | 'list' | 'action' | 'delete' | 'logs' | 'catalog';

/** A pod, in the words of the API. */
export interface FakePod {
  readonly id: string;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  status: string;
  /** US dollars an hour. */
  cost: number;
  runtime: { uptime: number } | null;
  readonly createdAt: string;
  /** What its container has put out. */
  log: string;
}

export interface FakeRunpodPods extends FakeHttp<FakeRunpodPodsCall> {
  readonly pods: FakePod[];
  /** What was posted to create pods. */
  readonly bodies: readonly unknown[];
  /** One that somebody else made, or that a test wants to be there. */
  add(more: Partial<FakePod>): FakePod;
  /** What the catalog of GPUs has. */
  gpus: readonly unknown[];
}

const STOPPABLE = ['PROVISIONING', 'STARTING', 'RUNNING'];

const problem = (status: number, title: string, detail: string): FakeAnswer => ({
  status,
  body: { title, status, detail },
  headers: { 'content-type': 'application/problem+json' },
});

/** Speaks the part of RunPod's REST API v2 that is about pods. */
export async function startFakeRunpodPods({ token }: { readonly token: string }): Promise<FakeRunpodPods> {
  const pods: FakePod[] = [];
  const bodies: unknown[] = [];
  let made = 0;

  const add = (more: Partial<FakePod>): FakePod => {
    made += 1;
    const pod: FakePod = {
      id: `pod${made}`,
      name: 'somebody-elses',
      env: {},
      status: 'PROVISIONING',
      cost: 0.44,
      runtime: null,
      createdAt: new Date().toISOString(),
      log: '',
      ...more,
    };
    pods.push(pod);
    return pod;
  };

  const shown = (pod: FakePod): unknown => ({ ...pod, log: undefined, locked: false });

  const create = ({ body }: FakeRequest): FakeAnswer => {
    bodies.push(body);
    const { name, env } = body as Pick<FakePod, 'name' | 'env'>;
    return { status: 201, body: shown(add({ name, env })) };
  };

  const one = (id: string | undefined, answer: (pod: FakePod) => FakeAnswer): FakeAnswer => {
    const pod = pods.find((each) => each.id === id);
    return pod ? answer(pod) : problem(404, 'Not Found', 'The requested Pod does not exist.');
  };

  const stop = (pod: FakePod): FakeAnswer => {
    if (!STOPPABLE.includes(pod.status)) return problem(409, 'Conflict', 'action not valid for the status');
    Object.assign(pod, { status: 'EXITED', cost: 0, runtime: null });
    return { status: 200, body: shown(pod) };
  };

  const remove = (pod: FakePod): FakeAnswer => {
    pods.splice(pods.indexOf(pod), 1);
    return { status: 204 };
  };

  /** A stream without an end while the pod is there to go on. It resumes *from* the line of Last-Event-ID, which is told once more. */
  const logs = (pod: FakePod, { query, headers }: FakeRequest): FakeAnswer => {
    const isOver = !STOPPABLE.includes(pod.status);
    const lines = pod.log.split('\n').slice(0, isOver && !pod.log.endsWith('\n') ? undefined : -1);
    const events = lines.map((line, index) => {
      const ts = '2026-06-01T12:02:03Z';
      const id = `${ts}/${String(index + 1).padStart(12, '0')}`;
      return { id, text: `id: ${id}\ndata: ${JSON.stringify({ ts, source: 'container', line })}\n\n` };
    });
    const resumed = events.findIndex(({ id }) => id === headers['last-event-id']);
    const tail = Number(query.get('tail') ?? 100);
    const told = events.slice(resumed >= 0 ? resumed : Math.max(0, events.length - tail));
    return {
      status: 200,
      body: `: keep-alive\n\n${told.map(({ text }) => text).join('')}`,
      headers: { 'content-type': 'text/event-stream' },
      keepOpen: !isOver,
    };
  };

  const route = (request: FakeRequest): FakeRoute<FakeRunpodPodsCall> | undefined => {
    const [version, noun, id, what] = request.path;
    if (version !== 'v2') return undefined;
    if (noun === 'catalog' && id === 'gpus')
      return { call: 'catalog', answer: () => ({ status: 200, body: { gpus: started.gpus } }) };
    if (noun !== 'pods') return undefined;
    switch (`${request.method} ${id === undefined ? '' : '{id}'}${what === undefined ? '' : `/${what}`}`) {
      case 'GET ':
        return { call: 'list', answer: () => ({ status: 200, body: { pods: pods.map(shown) } }) };
      case 'POST ':
        return { call: 'create', answer: () => create(request) };
      case 'GET {id}':
        return { call: 'get', answer: () => one(id, (pod) => ({ status: 200, body: shown(pod) })) };
      case 'DELETE {id}':
        return { call: 'delete', answer: () => one(id, remove) };
      case 'POST {id}/action':
        return { call: 'action', answer: () => one(id, stop) };
      case 'GET {id}/logs':
        return { call: 'logs', answer: () => one(id, (pod) => logs(pod, request)) };
      default:
        return undefined;
    }
  };

  const fake = await startFakeHttp<FakeRunpodPodsCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${token}`,
  });
  const started: FakeRunpodPods = { ...fake, pods, bodies, add, gpus: [] };
  return started;
}
