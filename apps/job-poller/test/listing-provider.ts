import { startFakeHttp, type FakeHttp, type FakeRequest } from '@lineclear/testkit';
import { failureOf, isNotThere, isSuccess, jsonOf, ProviderHttp } from '../src/adapters/provider-http.js';
import type {
  Adapter,
  Capabilities,
  Credential,
  Listed,
  NextPage,
  Observation,
} from '../src/adapters/adapter.js';
import type { RemoteState } from '../src/domain/run.js';

const OVER = new Set<RemoteState>(['succeeded', 'failed', 'cancelled']);

interface RemoteRun {
  readonly id: string;
  readonly key: string;
  readonly account: string;
  state: RemoteState;
}

/** `list` is the first page of a list, `page` any other. */
type ListingCall = 'submit' | 'find' | 'get' | 'list' | 'page' | 'cancel';

export interface ListingProvider {
  readonly http: FakeHttp<ListingCall>;
  /** One for each replica: it closes its own. */
  adapter(): Adapter;
  /** By our key. */
  readonly runs: ReadonlyMap<string, RemoteRun>;
  /** How often each account was listed. */
  readonly listsOf: ReadonlyMap<string, number>;
  /** It is not there any more. */
  forget(key: string): void;
  close(): Promise<void>;
}

/** A provider that lists the runs of an account page by page, and leaves out those that are over. Its accounts are the words of its credentials before the first dash. */
export async function startListingProvider(
  name: string,
  more: Partial<Capabilities> = {},
  pageSize = 100,
): Promise<ListingProvider> {
  let made = 0;
  const runs = new Map<string, RemoteRun>();
  const byId = new Map<string, RemoteRun>();
  const listsOf = new Map<string, number>();
  const accountOf = ({ headers }: FakeRequest): string =>
    /^Bearer (\w+)/.exec(headers.authorization ?? '')?.[1] ?? '';

  const http = await startFakeHttp<ListingCall>({
    isAllowed: (request) => accountOf(request) !== '',
    route(request) {
      const { method, path, query, body } = request;
      const account = accountOf(request);
      const id = path[1] ?? '';
      if (method === 'POST' && id === '')
        return {
          call: 'submit',
          answer: () => {
            const { key } = body as { key: string };
            const run: RemoteRun = { id: `r${(made += 1)}`, key, account, state: 'running' };
            runs.set(key, run);
            byId.set(run.id, run);
            return { status: 201, body: run };
          },
        };
      if (method === 'POST')
        return {
          call: 'cancel',
          answer: () => {
            const run = byId.get(id);
            if (run) run.state = 'cancelled';
            return { status: 204 };
          },
        };
      if (id !== '')
        return {
          call: 'get',
          answer: () => ({ status: byId.has(id) ? 200 : 404, body: byId.get(id) ?? {} }),
        };
      const key = query.get('key');
      if (key !== null) return { call: 'find', answer: () => ({ status: 200, body: runs.get(key) ?? {} }) };
      const from = Number(query.get('from') ?? 0);
      return {
        call: from === 0 ? 'list' : 'page',
        answer: () => {
          if (from === 0) listsOf.set(account, (listsOf.get(account) ?? 0) + 1);
          const mine = [...runs.values()].filter((run) => run.account === account && !OVER.has(run.state));
          const next = from + pageSize < mine.length ? from + pageSize : null;
          return { status: 200, body: { runs: mine.slice(from, from + pageSize), next } };
        },
      };
    },
  });
  return {
    http,
    adapter: () => new ListingAdapter(name, http.url, more),
    runs,
    listsOf,
    forget(key) {
      byId.delete(runs.get(key)?.id ?? '');
      runs.delete(key);
    },
    close: () => http.close(),
  };
}

class ListingAdapter implements Adapter {
  readonly authSecret = 'CLOUD_TOKEN';
  readonly capabilities: Capabilities;
  readonly #http: ProviderHttp;

  constructor(
    readonly name: string,
    baseUrl: string,
    more: Partial<Capabilities>,
  ) {
    const HOUR_MS = 3_600_000;
    this.capabilities = {
      cancel: true,
      logs: false,
      files: false,
      cancelAgainMs: 30_000,
      poll: { baseMs: HOUR_MS, maxMs: HOUR_MS },
      logsEveryMs: 5_000,
      maxCalls: 64,
      ...more,
    };
    const authorize = (secret: string) => ({ authorization: `Bearer ${secret}` });
    this.#http = new ProviderHttp({ baseUrl, timeoutMs: 5_000, connections: 64, authorize });
  }

  async submit({ runKey }: { runKey: string }, credential: Credential): Promise<{ externalId: string }> {
    const call = { method: 'POST', path: '/runs', body: { key: runKey } } as const;
    const { id } = (await this.#http.json(call, credential)) as RemoteRun;
    return { externalId: id };
  }

  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const call = { method: 'GET', path: `/runs?key=${runKey}` } as const;
    const { id } = (await this.#http.json(call, credential)) as Partial<RemoteRun>;
    return id === undefined ? null : { externalId: id };
  }

  async get(ids: readonly string[], credential: Credential): Promise<ReadonlyMap<string, Observation>> {
    const seen = new Map<string, Observation>();
    for (const id of ids) {
      const answer = await this.#http.send({ method: 'GET', path: `/runs/${id}` }, credential);
      if (isNotThere(answer)) continue;
      if (!isSuccess(answer)) throw failureOf(answer);
      const { state } = jsonOf(answer) as RemoteRun;
      seen.set(id, { state, word: state });
    }
    return seen;
  }

  async list(_ids: readonly string[], credential: Credential, nextPage?: NextPage): Promise<Listed[]> {
    const listed: Listed[] = [];
    for (let from: number | null = 0; from !== null;) {
      if (from > 0) await nextPage?.();
      const call = { method: 'GET', path: `/runs?from=${from}` } as const;
      const page = (await this.#http.json(call, credential)) as { runs: RemoteRun[]; next: number | null };
      listed.push(
        ...page.runs.map(({ id, key, state }) => ({
          externalId: id,
          runKey: key,
          seen: { state, word: state },
        })),
      );
      from = page.next;
    }
    return listed;
  }

  async cancel(id: string, credential: Credential): Promise<void> {
    const answer = await this.#http.send({ method: 'POST', path: `/runs/${id}/cancel` }, credential);
    if (!isSuccess(answer)) throw failureOf(answer);
  }

  async logs(): Promise<never> {
    throw new Error('it has no logs');
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}
