import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import {
  ProviderFailure,
  Unsettled,
  type Adapter,
  type Capabilities,
  type Credential,
  type Listed,
  type LogPart,
  type NextPage,
  type Observation,
  type Submission,
} from './adapter.js';
import { isRunKey } from '../domain/run.js';
import { checked, partOfWhole } from './answers.js';
import { exitCodeIn } from './container.js';
import {
  isNotThere,
  isSuccess,
  jsonOf,
  notAnswered,
  ProviderHttp,
  type HttpAnswer,
} from './provider-http.js';
import { rested } from './rested.js';
import { VastLogs } from './vast-logs.js';
import { verifyVastWebhook } from './vast-webhook.js';
import {
  costUsd,
  createOf,
  created,
  instances,
  MARKET_QUERY,
  offers,
  pricesIn,
  queryOf,
  refusal,
  stateOf,
  wordOf,
  type Instance,
  type VastConfig,
} from './vast-objects.js';

// It says no Retry-After: how long each kind of call must rest. Creates that come too soon are punished.
const REST_MS = { create: 12_000, search: 6_000, destroy: 3_000, other: 1_000 };
const NO_OFFER_AGAIN_MS = 60_000;
// Pages are 25 at most, and a call may be made once a second.
const PAGE = 25;
const PAGE_EVERY_MS = 1_000;
const MAX_PAGES = 400;
// A log comes after the end: a container that has stopped is believed to have said nothing only after this.
const MARK_GRACE_MS = 90_000;

/** Instances of Vast.ai, one for each run, labelled with our key. */
export class VastAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: false,
    cancelAgainMs: 60_000,
    poll: { baseMs: 10_000, maxMs: 60_000 },
    // Each look at a log has it copied to where it can be read.
    logsEveryMs: 30_000,
    maxCalls: 4,
    rate: { perSecond: 1, burst: 1 },
  };
  readonly authSecret: string;
  readonly webhookSecret: string | undefined;
  readonly verifyWebhook = verifyVastWebhook;
  readonly #http: ProviderHttp;
  readonly #logs: VastLogs;
  /** When an instance was first seen to have stopped without a mark. */
  readonly #unmarkedSince = new Map<string, number>();

  constructor(
    readonly name: string,
    private readonly config: VastConfig,
    timeoutMs: number,
    private readonly pageEveryMs = PAGE_EVERY_MS,
  ) {
    this.authSecret = config.secret;
    this.webhookSecret = config.webhook_secret;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
    this.#logs = new VastLogs(this.#http, config, timeoutMs);
  }

  /** Takes the cheapest offer. Between the search and that it may be gone: then nothing was made, and it is searched again later. */
  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const body = createOf(submission, this.config);
    const query = queryOf(submission.hardware, this.config);
    const [offer] = await this.#offers(query, credential);
    if (offer === undefined)
      throw new ProviderFailure('busy', `no offer of ${submission.hardware} at its price`, NO_OFFER_AGAIN_MS);
    const answer = await this.#http.send(
      { method: 'PUT', path: `/api/v0/asks/${offer.id}/`, body },
      credential,
    );
    if (!isSuccess(answer)) throw rested(refusal(answer), REST_MS.create);
    const told = jsonOf(answer);
    if (z.looseObject({ success: z.literal(false) }).safeParse(told).success) throw refusal(answer);
    return { externalId: String(checked(created, told).new_contract) };
  }

  /** Labels are not unique, but ours are. One that was destroyed is in no list. */
  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const [found] = await this.#instances({ label: { eq: runKey } }, credential);
    return found === undefined ? null : { externalId: String(found.id) };
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const found = await this.#instances({ id: { in: externalIds.map(Number) } }, credential);
    const seen = new Map<string, Observation>();
    for (const one of found) {
      const look = stateOf(one) === 'over' ? await this.#over(one, credential) : observationOf(one);
      if (look) seen.set(String(one.id), look);
    }
    return seen;
  }

  /** How one that has stopped ended is in its log, so that `get` has to say it. */
  async list(
    _externalIds: readonly string[],
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<readonly Listed[]> {
    const all = await this.#instances({}, credential, nextPage);
    return all.flatMap((one): Listed[] => {
      const seen = stateOf(one) === 'over' ? undefined : observationOf(one);
      if (!seen) return [];
      return [
        {
          externalId: String(one.id),
          seen,
          ...(one.label ? { title: one.label } : {}),
          ...(one.label && isRunKey(one.label) ? { runKey: one.label } : {}),
          ...(typeof one.start_date === 'number' ? { createdAt: new Date(one.start_date * 1_000) } : {}),
        },
      ];
    });
  }

  /** Stops it, so that its log can still be read; `release` takes it away. */
  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = `/api/v0/instances/${Number(externalId)}/`;
    const answer = await this.#http.send({ method: 'PUT', path, body: { state: 'stopped' } }, credential);
    if (!isSuccess(answer) && !isNotThere(answer)) throw rested(notAnswered(answer), REST_MS.other);
  }

  async release(externalId: string, credential: Credential): Promise<void> {
    const path = `/api/v0/instances/${Number(externalId)}/`;
    const answer = await this.#http.send({ method: 'DELETE', path }, credential);
    if (!isSuccess(answer) && !isNotThere(answer)) throw rested(notAnswered(answer), REST_MS.destroy);
    this.#unmarkedSince.delete(externalId);
    this.#logs.forget(externalId);
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const whole = await this.#logs.read(externalId, credential);
    if (whole !== undefined) return partOfWhole(whole, cursor, isOver);
    if (isOver) throw new Unsettled('its log is not there yet');
    return partOfWhole('', cursor, false);
  }

  async prices(credential: Credential): Promise<ReadonlyMap<string, { usdPerHour: number; gpus: number }>> {
    return pricesIn(await this.#offers(MARKET_QUERY, credential));
  }

  async #over(one: Instance, credential: Credential): Promise<Observation | undefined> {
    const [id, word] = [String(one.id), wordOf(one)];
    const end = await this.#logs.end(id, credential);
    const exitCode = exitCodeIn(end ?? '', one.label ?? '');
    const isStopped = one.intended_status === 'stopped';
    // One that ended by itself costs until it is taken away.
    const cost = isStopped ? {} : costOf(one);
    if (exitCode !== undefined)
      return { word, state: exitCode === 0 ? 'succeeded' : 'failed', exitCode, ...cost };
    // It may have ended before the stop came: its log says so.
    if (isStopped && end !== undefined) return { word, state: 'cancelled' };
    const since = this.#unmarkedSince.get(id) ?? Date.now();
    this.#unmarkedSince.set(id, since);
    if (Date.now() - since < MARK_GRACE_MS) return { word, state: 'running' };
    if (isStopped) return { word, state: 'cancelled' };
    return {
      word,
      state: 'failed',
      ...cost,
      message: one.status_msg || 'its container stopped, and its log does not say how its command ended',
    };
  }

  async #offers(
    query: Readonly<Record<string, unknown>>,
    credential: Credential,
  ): Promise<z.infer<typeof offers>['offers']> {
    const call = { method: 'POST', path: '/api/v0/bundles/', body: query } as const;
    const answer = await this.#http.send(call, credential);
    if (!isSuccess(answer)) throw rested(notAnswered(answer), REST_MS.search);
    return checked(offers, jsonOf(answer)).offers;
  }

  /** All that the filter lets through, page after page, each once. */
  async #instances(
    filters: Readonly<Record<string, unknown>>,
    credential: Credential,
    nextPage: NextPage = () => pause(this.pageEveryMs),
  ): Promise<readonly Instance[]> {
    const found = new Map<number, Instance>();
    let after = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      if (page > 0) await nextPage();
      const query = new URLSearchParams({ limit: String(PAGE), select_filters: JSON.stringify(filters) });
      if (after !== '') query.set('after_token', after);
      const answer = await this.#read(`/api/v1/instances/?${query.toString()}`, credential);
      const { instances: some, next_token } = checked(instances, jsonOf(answer));
      for (const one of some) found.set(one.id, one);
      if (!next_token) return [...found.values()];
      after = next_token;
    }
    throw new ProviderFailure('unknown', 'its list of instances does not end');
  }

  async #read(path: string, credential: Credential): Promise<HttpAnswer> {
    const answer = await this.#http.send({ method: 'GET', path }, credential);
    if (!isSuccess(answer)) throw rested(notAnswered(answer), REST_MS.other);
    return answer;
  }

  async close(): Promise<void> {
    await this.#logs.close();
    await this.#http.close();
  }
}

function observationOf(one: Instance): Observation | undefined {
  const state = stateOf(one);
  if (state === 'away' || state === 'over') return undefined;
  return {
    word: wordOf(one),
    state,
    ...(one.status_msg ? { message: one.status_msg } : {}),
    ...(state === 'running' ? costOf(one) : {}),
  };
}

function costOf(one: Instance): Pick<Observation, 'costUsd'> {
  const cost = costUsd(one, new Date());
  return cost === undefined ? {} : { costUsd: cost };
}
