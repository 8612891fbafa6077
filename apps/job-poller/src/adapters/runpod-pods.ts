import type {
  Adapter,
  Capabilities,
  Credential,
  Listed,
  LogPart,
  Observation,
  Submission,
} from './adapter.js';
import { checked, throwUnlessStopped } from './answers.js';
import { exitCodeIn } from './container.js';
import {
  isNotThere,
  isSuccess,
  jsonOf,
  notAnswered,
  ProviderHttp,
  type HttpAnswer,
  type HttpCall,
} from './provider-http.js';
import { linesIn, partOfLines, readCursor, type PodLine } from './runpod-pod-log.js';
import {
  catalog,
  createOf,
  EXITED,
  listedOf,
  observationOf,
  pod,
  pods,
  pricesIn,
  refusal,
  type Pod,
  type PodsConfig,
} from './runpod-pod-objects.js';

// A stream of a log never ends: what came in this time is what there is.
const LOG_WAIT_MS = 1_500;
const LOG_BYTES = 1_000_000;
const MAX_TAIL = 5_000;
// The second where the first is longer than what is read at a time, so that its end is not in it.
const MARK_TAILS = [50, 2];
// A log may lag behind: a pod that has stopped is believed to have said nothing only after this.
const MARK_GRACE_MS = 60_000;
/** Pods of RunPod, one for each run, named by our key. */
export class RunpodPodsAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: false,
    cancelAgainMs: 30_000,
    poll: { baseMs: 5_000, maxMs: 60_000 },
    logsEveryMs: 15_000,
    maxCalls: 16,
    // It tells its limits in the headers of its answers alone: this is a careful guess.
    rate: { perSecond: 5, burst: 20 },
  };
  readonly authSecret: string;
  readonly #http: ProviderHttp;
  /** When a pod was first seen to have stopped without a mark; 0 for one that we stopped. */
  readonly #unmarkedSince = new Map<string, number>();

  constructor(
    readonly name: string,
    private readonly config: PodsConfig,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const body = createOf(submission, this.config);
    const answer = await this.#http.send({ method: 'POST', path: '/v2/pods', body }, credential);
    if (!isSuccess(answer)) throw refusal(answer);
    return { externalId: checked(pod, jsonOf(answer)).id };
  }

  /** Names are not unique, but ours are. One that was terminated is in no list. */
  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const found = (await this.#pods(credential)).find(({ name }) => name === runKey);
    return found === undefined ? null : { externalId: found.id };
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id) => [id, await this.#look(id, credential)] as const),
    );
    return new Map(looks.filter((look): look is [string, Observation] => look[1] !== undefined));
  }

  /** All pods with one request. How one that has stopped ended is in its log, so that `get` has to say it. */
  async list(_externalIds: readonly string[], credential: Credential): Promise<readonly Listed[]> {
    const all = new Map((await this.#pods(credential)).map((one) => [one.id, one]));
    return [...all.values()].filter(({ status }) => status !== EXITED).map(listedOf);
  }

  /** Stops it, so that its log can still be read; `release` takes it away. */
  async cancel(externalId: string, credential: Credential): Promise<void> {
    const body = { action: 'stop' };
    throwUnlessStopped(await this.#of(externalId, { method: 'POST', path: '/action', body }, credential));
    this.#unmarkedSince.set(externalId, 0);
  }

  async release(externalId: string, credential: Credential): Promise<void> {
    const answer = await this.#of(externalId, { method: 'DELETE', path: '' }, credential);
    if (!isSuccess(answer) && !isNotThere(answer)) throw notAnswered(answer);
    this.#unmarkedSince.delete(externalId);
  }

  async logs(
    externalId: string,
    cursor: string | null,
    _isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const from = readCursor(cursor);
    const { lines, isFull } = await this.#lines(externalId, MAX_TAIL, from.after, credential);
    return partOfLines(lines, from, isFull);
  }

  async prices(credential: Credential): Promise<ReadonlyMap<string, { usdPerHour: number; gpus: number }>> {
    const answer = await this.#http.json({ method: 'GET', path: '/v2/catalog/gpus' }, credential);
    return pricesIn(checked(catalog, answer), this.config.cloud);
  }

  async #look(externalId: string, credential: Credential): Promise<Observation | undefined> {
    const answer = await this.#of(externalId, { method: 'GET', path: '' }, credential);
    if (isNotThere(answer)) {
      this.#unmarkedSince.delete(externalId);
      return undefined;
    }
    if (!isSuccess(answer)) throw notAnswered(answer);
    const one = checked(pod, jsonOf(answer));
    return one.status === EXITED ? this.#exited(one, credential) : observationOf(one);
  }

  async #exited({ id, name, status: word }: Pod, credential: Credential): Promise<Observation> {
    const exitCode = await this.#exitCode(id, name ?? '', credential);
    if (exitCode !== undefined) return { word, state: exitCode === 0 ? 'succeeded' : 'failed', exitCode };
    const since = this.#unmarkedSince.get(id) ?? Date.now();
    this.#unmarkedSince.set(id, since);
    if (Date.now() - since < MARK_GRACE_MS) return { word, state: 'running' };
    return { word, state: 'cancelled', message: 'the pod was stopped before its command had ended' };
  }

  async #exitCode(id: string, runKey: string, credential: Credential): Promise<number | undefined> {
    for (const tail of MARK_TAILS) {
      const { lines, isFull } = await this.#lines(id, tail, '', credential);
      const exitCode = exitCodeIn(lines.map(({ text }) => text).join('\n'), runKey);
      if (exitCode !== undefined || !isFull) return exitCode;
    }
    return undefined;
  }

  async #lines(
    externalId: string,
    tail: number,
    after: string,
    credential: Credential,
  ): Promise<{ lines: readonly PodLine[]; isFull: boolean }> {
    const call: HttpCall = {
      method: 'GET',
      path: `/logs?source=container&tail=${tail}`,
      headers: { accept: 'text/event-stream', ...(after === '' ? {} : { 'last-event-id': after }) },
      stream: { maxBytes: LOG_BYTES, maxMs: LOG_WAIT_MS },
    };
    const answer = await this.#of(externalId, call, credential);
    if (isNotThere(answer)) return { lines: [], isFull: false };
    if (!isSuccess(answer)) throw notAnswered(answer);
    return { lines: linesIn(answer.text), isFull: Buffer.byteLength(answer.text) >= LOG_BYTES };
  }

  async #pods(credential: Credential): Promise<readonly Pod[]> {
    const answer = await this.#http.send({ method: 'GET', path: '/v2/pods' }, credential);
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(pods, jsonOf(answer)).pods;
  }

  #of(externalId: string, call: HttpCall, credential: Credential): Promise<HttpAnswer> {
    const path = `/v2/pods/${encodeURIComponent(externalId)}${call.path}`;
    return this.#http.send({ ...call, path }, credential);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}
