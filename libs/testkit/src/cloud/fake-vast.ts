import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeVastCall = 'search' | 'create' | 'list' | 'stop' | 'destroy' | 'request logs' | 'store';

/** An instance, in the words of the API. */
export interface FakeVastInstance {
  readonly id: number;
  label: string;
  actual_status: string | null;
  intended_status: string;
  status_msg: string | null;
  dph_total: number;
  start_date: number;
  /** Not in any answer: what it was created with, and what its container printed. */
  readonly body: Record<string, unknown>;
  log: string;
}

export interface FakeVastOffer {
  readonly id: number;
  readonly gpu_name: string;
  readonly num_gpus: number;
  readonly dph_total: number;
}

export interface FakeVast extends FakeHttp<FakeVastCall> {
  /** The host that logs are said to be at. */
  readonly host: string;
  readonly instances: FakeVastInstance[];
  readonly offers: FakeVastOffer[];
  /** What offers were searched with. */
  readonly searches: readonly Record<string, unknown>[];
  /** A copy of a log is there only at the look after so many. */
  lateLogs(looks: number): void;
  /** Says that logs are there, whatever that is. */
  logsAt(url: string): void;
  /** Is called before each page of a list. */
  beforePage(act: (page: number) => void): void;
}

const PAGE = 25;

/** Speaks what Vast.ai says of offers and instances. Logs are read from a store, which here is the same server and takes no credential. */
export async function startFakeVast(options: { readonly token: string }): Promise<FakeVast> {
  const instances: FakeVastInstance[] = [];
  const offers: FakeVastOffer[] = [{ id: 900, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.4 }];
  const searches: Record<string, unknown>[] = [];
  const copies = new Map<string, { log: string; looks: number }>();
  let made = 7_000;
  let late = 0;
  let place = '';
  let pages = 0;
  let beforePage: (page: number) => void = () => undefined;

  const gone = { status: 404, body: { success: false, error: 'invalid_id', msg: 'Invalid instance id.' } };

  const search = (body: Record<string, unknown>): FakeAnswer => {
    searches.push(body);
    const wanted = body as {
      gpu_name?: { eq: string };
      num_gpus?: { eq: number };
      dph_total?: { lte: number };
      limit: number;
    };
    const found = offers
      .filter(
        (one) =>
          one.gpu_name === (wanted.gpu_name?.eq ?? one.gpu_name) &&
          one.num_gpus === (wanted.num_gpus?.eq ?? one.num_gpus) &&
          one.dph_total <= (wanted.dph_total?.lte ?? Infinity),
      )
      .toSorted((one, other) => one.dph_total - other.dph_total);
    return { status: 200, body: { offers: found.slice(0, wanted.limit) } };
  };

  const create = (ask: string | undefined, body: Record<string, unknown>): FakeAnswer => {
    const offer = offers.find(({ id }) => String(id) === ask);
    if (!offer) return { status: 404, body: { success: false, error: 'no_such_ask', msg: 'gone' } };
    made += 1;
    instances.push({
      id: made,
      label: String(body['label']),
      actual_status: null,
      intended_status: 'running',
      status_msg: null,
      dph_total: offer.dph_total,
      start_date: 1_700_000_000,
      body,
      log: '',
    });
    return { status: 200, body: { success: true, new_contract: made } };
  };

  const list = ({ query }: FakeRequest): FakeAnswer => {
    pages += 1;
    beforePage(pages);
    const filters = JSON.parse(query.get('select_filters') ?? '{}') as {
      id?: { in: number[] };
      label?: { eq: string };
    };
    const after = Number(query.get('after_token') ?? 0);
    const rest = instances
      .filter(({ id }) => id > after && (filters.id === undefined || filters.id.in.includes(id)))
      .filter(({ label }) => filters.label === undefined || label === filters.label.eq);
    const page = rest.slice(0, Math.min(PAGE, Number(query.get('limit') ?? PAGE)));
    const shown = page.map(({ body, log: _log, ...one }) => ({ ...one, image_args: body['args'] }));
    return {
      status: 200,
      body: {
        success: true,
        instances: shown,
        instances_found: rest.length,
        next_token: rest.length > page.length ? String(page.at(-1)?.id) : null,
      },
    };
  };

  const of = (id: string | undefined, act: (one: FakeVastInstance) => FakeAnswer): FakeAnswer => {
    const one = instances.find((found) => String(found.id) === id);
    return one ? act(one) : gone;
  };

  const stop = (one: FakeVastInstance): FakeAnswer => {
    one.intended_status = 'stopped';
    // A container that has exited already stays so.
    if (one.actual_status !== 'exited') one.actual_status = 'stopped';
    return { status: 200, body: { success: true } };
  };

  const destroy = (one: FakeVastInstance): FakeAnswer => {
    instances.splice(instances.indexOf(one), 1);
    return { status: 200, body: { success: true, msg: 'destroyed' } };
  };

  const copy = (one: FakeVastInstance): FakeAnswer => {
    const name = `${one.id}-${copies.size}.log`;
    copies.set(name, { log: one.log, looks: 0 });
    const result_url = place === '' ? `${fake.url}/store/${name}?X-Amz-Signature=0` : place;
    return { status: 200, body: { success: true, result_url, msg: 'uploading' } };
  };

  const read = ({ path, headers }: FakeRequest): FakeAnswer => {
    const found = copies.get(path[1] ?? '');
    if (headers.authorization !== undefined) return { status: 400, body: 'two ways to sign at once' };
    if (!found || found.looks < late) {
      if (found) found.looks += 1;
      return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    }
    const [, last] = /^bytes=-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (last === undefined) return { status: 200, body: found.log };
    return found.log === ''
      ? { status: 416, body: '<Error><Code>InvalidRange</Code></Error>' }
      : { status: 206, body: found.log.slice(-Number(last)) };
  };

  const route = (request: FakeRequest): FakeRoute<FakeVastCall> | undefined => {
    const { method, path } = request;
    const body = (request.body ?? {}) as Record<string, unknown>;
    const [, version, kind, id, more] = path;
    if (path[0] === 'store') return { call: 'store', answer: () => read(request) };
    switch (`${method} ${version} ${kind}`) {
      case 'POST v0 bundles':
        return { call: 'search', answer: () => search(body) };
      case 'PUT v0 asks':
        return { call: 'create', answer: () => create(id, body) };
      case 'GET v1 instances':
        return { call: 'list', answer: () => list(request) };
      case 'DELETE v0 instances':
        return { call: 'destroy', answer: () => of(id, destroy) };
      case 'PUT v0 instances':
        return id === 'request_logs'
          ? { call: 'request logs', answer: () => of(more, copy) }
          : { call: 'stop', answer: () => of(id, stop) };
      default:
        return undefined;
    }
  };

  const fake = await startFakeHttp<FakeVastCall>({
    route,
    isAllowed: ({ path, headers }) =>
      path[0] === 'store' || headers.authorization === `Bearer ${options.token}`,
  });
  return {
    ...fake,
    host: new URL(fake.url).host,
    instances,
    offers,
    searches,
    lateLogs: (looks) => void (late = looks),
    logsAt: (url) => void (place = url),
    beforePage(act) {
      pages = 0;
      beforePage = act;
    },
  };
}
