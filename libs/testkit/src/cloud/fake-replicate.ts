import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeReplicateCall = 'submit' | 'get' | 'list' | 'cancel';
type Kind = 'predictions' | 'trainings';

/** A prediction or a training, in the words of the API. */
export interface FakeReplicateObject {
  readonly id: string;
  readonly kind: Kind;
  status: string;
  input: Record<string, unknown>;
  output: unknown;
  error: unknown;
  logs: string;
  source: string;
  data_removed: boolean;
  created_at: string;
  completed_at: string | null;
  deadline: string | null;
  readonly model: string;
  readonly version: string;
}

export interface FakeReplicateSubmit {
  readonly path: string;
  readonly body: unknown;
  readonly cancelAfter: string | undefined;
}

export interface FakeReplicate extends Omit<FakeHttp<FakeReplicateCall>, 'url'> {
  /** With `/v1`. */
  readonly url: string;
  /** Newest first. */
  readonly objects: FakeReplicateObject[];
  readonly submits: readonly FakeReplicateSubmit[];
  /** One that somebody else made, or that a test wants to be there. */
  add(kind: Kind, more?: Partial<FakeReplicateObject>): FakeReplicateObject;
  find(id: string): FakeReplicateObject | undefined;
  forget(id: string): void;
  /** Called after each page of a list, so that a test can move things meanwhile. */
  afterPage: (() => void) | undefined;
}

const KINDS: readonly string[] = ['predictions', 'trainings'];
const PAGE = 100;
const OVER = ['succeeded', 'failed', 'canceled', 'aborted'];

/** Speaks the part of Replicate's HTTP API that is about predictions and trainings. */
export async function startFakeReplicate({ token }: { readonly token: string }): Promise<FakeReplicate> {
  const objects: FakeReplicateObject[] = [];
  const submits: FakeReplicateSubmit[] = [];
  let made = 0;

  const add = (kind: Kind, more: Partial<FakeReplicateObject> = {}): FakeReplicateObject => {
    made += 1;
    const one: FakeReplicateObject = {
      id: `r8${String(made).padStart(24, '0')}`,
      kind,
      status: 'starting',
      input: {},
      output: null,
      error: null,
      logs: '',
      source: 'api',
      data_removed: false,
      created_at: new Date().toISOString(),
      completed_at: null,
      deadline: null,
      model: 'acme/trainer',
      version: 'v1',
      ...more,
    };
    objects.unshift(one);
    return one;
  };

  const shown = ({ kind, ...one }: FakeReplicateObject): unknown => ({
    ...one,
    urls: { get: `${fake.url}/v1/${kind}/${one.id}`, cancel: `${fake.url}/v1/${kind}/${one.id}/cancel` },
  });

  const create = (kind: Kind, { body, path, headers }: FakeRequest): FakeAnswer => {
    const { input = {} } = (body ?? {}) as { input?: Record<string, unknown> };
    const after = headers['cancel-after'];
    submits.push({
      path: `/${path.slice(1).join('/')}`,
      body,
      cancelAfter: typeof after === 'string' ? after : undefined,
    });
    return { status: 201, body: shown(add(kind, { input })) };
  };

  /** Keyset paging: the cursor is the last id that was shown, so that what is added meanwhile shifts nothing. */
  const list = (kind: Kind, query: URLSearchParams): FakeAnswer => {
    const [after, before, cursor] = ['created_after', 'created_before', 'cursor'].map((name) =>
      query.get(name),
    );
    const matching = objects.filter(
      (one) =>
        one.kind === kind &&
        (typeof after !== 'string' || one.created_at >= after) &&
        (typeof before !== 'string' || one.created_at <= before) &&
        (typeof cursor !== 'string' || one.id < cursor),
    );
    const results = matching.slice(0, PAGE);
    const rest = new URLSearchParams(query);
    rest.set('cursor', results.at(-1)?.id ?? '');
    const next = matching.length > PAGE ? `https://elsewhere.test/v1/${kind}?${rest.toString()}` : null;
    const answer = { status: 200, body: { next, previous: null, results: results.map(shown) } };
    started.afterPage?.();
    return answer;
  };

  const one = (
    kind: Kind,
    id: string | undefined,
    change: (found: FakeReplicateObject) => void,
  ): FakeAnswer => {
    const found = objects.find((object) => object.kind === kind && object.id === id);
    if (!found)
      return { status: 404, body: { detail: 'The requested resource could not be found.', status: 404 } };
    change(found);
    return { status: 200, body: shown(found) };
  };

  const cancelled = (found: FakeReplicateObject): void => {
    if (OVER.includes(found.status)) return;
    found.status = 'canceled';
    found.completed_at = new Date().toISOString();
  };

  const route = (request: FakeRequest): FakeRoute<FakeReplicateCall> | undefined => {
    const [, ...path] = request.path;
    const [first, last] = [path[0] as Kind, path.at(-1) as Kind];
    if (request.method === 'POST' && KINDS.includes(last))
      return { call: 'submit', answer: () => create(last, request) };
    if (!KINDS.includes(first)) return undefined;
    if (request.method === 'POST' && path[2] === 'cancel')
      return { call: 'cancel', answer: () => one(first, path[1], cancelled) };
    if (path.length === 1) return { call: 'list', answer: () => list(first, request.query) };
    return { call: 'get', answer: () => one(first, path[1], () => undefined) };
  };

  const fake = await startFakeHttp<FakeReplicateCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${token}`,
  });
  const started: FakeReplicate = {
    ...fake,
    url: `${fake.url}/v1`,
    objects,
    submits,
    add,
    find: (id) => objects.find((object) => object.id === id),
    forget: (id) =>
      void objects.splice(
        objects.findIndex((object) => object.id === id),
        1,
      ),
    afterPage: undefined,
  };
  return started;
}
