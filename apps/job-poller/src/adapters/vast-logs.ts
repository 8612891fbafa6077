import { ProviderFailure, type Credential } from './adapter.js';
import { checked } from './answers.js';
import { isExitMark } from './container.js';
import { isNotThere, isSuccess, jsonOf, notAnswered, ProviderHttp } from './provider-http.js';
import { logPlace, type VastConfig } from './vast-objects.js';

// What a log has beyond this many lines is not read: from there on it would be another part each time.
const LINES = 100_000;
const LOG_BYTES = 15_000_000;
const END_BYTES = 4_000;
// A copy that is not there after so many looks is asked for again.
const LOOKS = 5;

interface Copy {
  readonly url: URL;
  looks: number;
}

/** Logs of instances. Vast copies one to a store when it is asked to, says where, and is done with that some seconds later. */
export class VastLogs {
  readonly #copies = new Map<string, Copy>();
  readonly #stores = new Map<string, ProviderHttp>();

  constructor(
    private readonly api: ProviderHttp,
    private readonly config: VastConfig,
    private readonly timeoutMs: number,
  ) {}

  /** The output from its beginning; undefined while its copy is not there. Of an instance that is gone it is empty. */
  async read(externalId: string, credential: Credential): Promise<string | undefined> {
    const log = await this.#copied(externalId, {}, credential);
    return log === undefined ? undefined : outputIn(log);
  }

  /** The last of the log, however long it is, with what it says of the end. */
  async end(externalId: string, credential: Credential): Promise<string | undefined> {
    return this.#copied(externalId, { range: `bytes=-${END_BYTES}` }, credential);
  }

  async #copied(
    externalId: string,
    range: Readonly<Record<string, string>>,
    credential: Credential,
  ): Promise<string | undefined> {
    const copy = this.#copies.get(externalId) ?? (await this.#ordered(externalId, credential));
    if (copy === undefined) return '';
    const path = copy.url.pathname + copy.url.search;
    // Without the credential: the store is somebody else.
    const answer = await this.#store(copy.url).send(
      {
        method: 'GET',
        path,
        headers: { accept: '*/*', ...range },
        stream: { maxBytes: LOG_BYTES, maxMs: this.timeoutMs },
      },
      undefined,
    );
    if (isSuccess(answer)) {
      this.#copies.delete(externalId);
      return answer.text;
    }
    // Nothing is at the end of a log that is empty.
    if (answer.status === 416) return '';
    copy.looks += 1;
    if (copy.looks >= LOOKS) this.#copies.delete(externalId);
    // A store says 403 of what is not there (yet).
    if (answer.status === 403 || isNotThere(answer)) return undefined;
    throw new ProviderFailure('unknown', `the store of its log answered ${answer.status}`);
  }

  async #ordered(externalId: string, credential: Credential): Promise<Copy | undefined> {
    const path = `/api/v0/instances/request_logs/${Number(externalId)}/`;
    const answer = await this.api.send({ method: 'PUT', path, body: { tail: String(LINES) } }, credential);
    if (isNotThere(answer)) return undefined;
    if (!isSuccess(answer)) throw notAnswered(answer);
    const copy = { url: this.#allowed(checked(logPlace, jsonOf(answer)).result_url), looks: 0 };
    this.#copies.set(externalId, copy);
    return copy;
  }

  #allowed(given: string): URL {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const isSafe = url?.protocol === 'https:' || url?.protocol === new URL(this.config.base_url).protocol;
    if (url === undefined || !isSafe || !this.config.logs_hosts.includes(url.host))
      throw new ProviderFailure(
        'unknown',
        `a log is said to be at ${url?.host ?? 'no address'}: see logs_hosts`,
      );
    return url;
  }

  #store(url: URL): ProviderHttp {
    const known = this.#stores.get(url.origin);
    if (known) return known;
    const store = new ProviderHttp({
      baseUrl: url.origin,
      timeoutMs: this.timeoutMs,
      connections: 2,
      authorize: () => ({}),
    });
    this.#stores.set(url.origin, store);
    return store;
  }

  forget(externalId: string): void {
    this.#copies.delete(externalId);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
  }
}

/** What the job wrote. Of a log that is as long as what was asked for the beginning may be lost, and nobody can say which part it is. */
export function outputIn(log: string, most = LINES): string {
  const lines = log.split(/(?<=\n)/);
  return lines.length < most ? lines.filter((line) => !isExitMark(line)).join('') : '';
}
