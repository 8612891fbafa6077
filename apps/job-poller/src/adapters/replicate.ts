import { replicateConfig, type ReplicateConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import type { RemoteState } from '../domain/run.js';
import {
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
import { checked, outputLine, partOfWhole, throwUnlessStopped } from './answers.js';
import { configOf } from './job-config.js';
import { inputOf } from './job-input.js';
import {
  failureOf,
  isNotThere,
  isSuccess,
  jsonOf,
  notAnswered,
  ProviderHttp,
  type HttpAnswer,
  type HttpCall,
} from './provider-http.js';
import {
  externalIdOf,
  isBefore,
  isWithin,
  hasLostKey,
  keyOf,
  listedOf,
  object,
  observationOf,
  page,
  pathOf,
  TRAININGS,
  type Kind,
  type RemoteObject,
} from './replicate-objects.js';
import { verifyReplicateWebhook } from './replicate-webhook.js';

// Its deadline begins with the prediction and ours with the run: a cold start takes minutes. We stop it in time; this is for when we are away.
const START_ALLOWANCE_SECONDS = 900;
// It ends predictions after half an hour by itself: a day is as good as no deadline.
const MAX_DEADLINE_SECONDS = 86_400;
// Its clock and ours, and a call that was slow to arrive.
const SKEW_MS = 300_000;
const LATEST_ARRIVAL_MS = 600_000;
// A hundred objects each. What a list has not on them is asked for one by one.
const MAX_PAGES = 10;
const LIVE: readonly (RemoteState | undefined)[] = ['starting', 'running', undefined];

/** Replicate: predictions of versions, models and deployments, and trainings. An external id is that of a prediction, or `trainings/` and that of a training. */
export class ReplicateAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: false,
    cancelAgainMs: 30_000,
    poll: { baseMs: 5_000, maxMs: 60_000 },
    logsEveryMs: 10_000,
    maxCalls: 16,
    // 600 creates a minute, and five times as many of the others: what holds for the narrower holds for all.
    rate: { perSecond: 10, burst: 60 },
  };
  readonly authSecret: string;
  readonly webhookSecret: string | undefined;
  readonly verifyWebhook = verifyReplicateWebhook;
  readonly #http: ProviderHttp;

  constructor(
    readonly name: string,
    config: ProviderConfigOf<'replicate'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.webhookSecret = config.webhook_secret;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const config = configOf(replicateConfig, submission);
    const answer = await this.#send(createOf(config, submission), credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    const kind = config.training === undefined ? 'predictions' : 'trainings';
    return { externalId: externalIdOf(kind, checked(object, jsonOf(answer))) };
  }

  /** By the input that carries our key. Where it deleted the input of what may be the run, nobody can say that there is none. */
  async find(
    runKey: string,
    credential: Credential,
    since = new Date(),
  ): Promise<{ externalId: string } | null> {
    const from = new Date(since.getTime() - SKEW_MS).toISOString();
    const to = new Date(since.getTime() + LATEST_ARRIVAL_MS).toISOString();
    const window = new URLSearchParams({ created_after: from, created_before: to });
    let mayBe = 0;
    for (const kind of ['predictions', 'trainings'] as const) {
      const query = kind === 'predictions' ? `?${window.toString()}` : '';
      for await (const results of this.#pages(kind, query, Number.POSITIVE_INFINITY, credential)) {
        for (const one of results) {
          if (keyOf(one) === runKey) return { externalId: externalIdOf(kind, one) };
          if (hasLostKey(one) && isWithin(one, from, to)) mayBe += 1;
        }
        // Newest first: what follows is older still.
        if (isBefore(results.at(-1), from)) break;
      }
    }
    if (mayBe > 0) throw new Unsettled(`${mayBe} of that time have lost their input, the key among it`);
    return null;
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id) => [id, await this.#read(id, credential)] as const),
    );
    return new Map(
      looks.flatMap(([id, found]): [string, Observation][] => (found ? [[id, observationOf(found)]] : [])),
    );
  }

  /** Newest first, as far as there is something that is asked for or still goes on. */
  async list(
    externalIds: readonly string[],
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<readonly Listed[]> {
    const listed = new Map<string, Listed>();
    for (const kind of ['predictions', 'trainings'] as const) {
      if (kind === 'trainings') await nextPage?.();
      const wanted = new Set(externalIds.filter((id) => id.startsWith(TRAININGS) === (kind === 'trainings')));
      for await (const results of this.#pages(kind, '', MAX_PAGES, credential, nextPage)) {
        const found = results.map((one) => listedOf(kind, one));
        for (const one of found) {
          listed.set(one.externalId, one);
          wanted.delete(one.externalId);
        }
        if (wanted.size === 0 && !found.some(({ seen }) => LIVE.includes(seen.state))) break;
      }
    }
    return [...listed.values()];
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    throwUnlessStopped(
      await this.#send({ method: 'POST', path: `${pathOf(externalId)}/cancel` }, credential),
    );
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const found = await this.#read(externalId, credential);
    const whole = (found?.logs ?? '') + (isOver ? outputLine(found?.output) : '');
    return partOfWhole(whole, cursor, isOver);
  }

  async #read(externalId: string, credential: Credential): Promise<RemoteObject | undefined> {
    const answer = await this.#send({ method: 'GET', path: pathOf(externalId) }, credential);
    if (isNotThere(answer)) return undefined;
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(object, jsonOf(answer));
  }

  /** Follows `next` by its query alone: wherever it points, the credential goes to no other host. */
  async *#pages(
    kind: Kind,
    query: string,
    maxPages: number,
    credential: Credential,
    nextPage?: NextPage,
  ): AsyncGenerator<readonly RemoteObject[]> {
    let search = query;
    for (let read = 0; read < maxPages; read += 1) {
      if (read > 0) await nextPage?.();
      const answer = await this.#send({ method: 'GET', path: `/${kind}${search}` }, credential);
      if (!isSuccess(answer)) throw notAnswered(answer);
      const { next, results } = checked(page, jsonOf(answer));
      yield results;
      if (typeof next !== 'string') return;
      search = new URL(next, 'http://host').search;
    }
  }

  async #send(call: HttpCall, credential: Credential): Promise<HttpAnswer> {
    const answer = await this.#http.send(call, credential);
    // It says when to come back in the body, and in the header only sometimes.
    const asked = /(?:resets|available) in ~?(\d+)/.exec(answer.status === 429 ? answer.text : '');
    return asked === null
      ? answer
      : { ...answer, retryAfterMs: answer.retryAfterMs ?? Number(asked[1]) * 1_000 };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function createOf(config: ReplicateConfig, submission: Submission): HttpCall {
  const { version, model, deployment, training } = config;
  const body = { input: inputOf(config.input, submission), ...webhookOf(submission) };
  if (training !== undefined) {
    const path = `/models/${training.model}/versions/${training.version}/trainings`;
    return { method: 'POST', path, body: { destination: training.destination, ...body } };
  }
  const headers = deadlineOf(submission.maxRuntimeSeconds);
  if (version !== undefined)
    return { method: 'POST', path: '/predictions', headers, body: { version, ...body } };
  const owner = model === undefined ? `/deployments/${deployment}` : `/models/${model}`;
  return { method: 'POST', path: `${owner}/predictions`, headers, body };
}

const webhookOf = ({ webhook }: Submission): Record<string, unknown> =>
  webhook === undefined ? {} : { webhook: webhook.url, webhook_events_filter: ['start', 'completed'] };

function deadlineOf(maxRuntimeSeconds: number | null): Record<string, string> {
  if (maxRuntimeSeconds === null) return {};
  const seconds = Math.min(maxRuntimeSeconds + START_ALLOWANCE_SECONDS, MAX_DEADLINE_SECONDS);
  return { 'cancel-after': `${seconds}s` };
}
