import { runpodServerlessConfig, type RunpodServerlessConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import {
  ProviderFailure,
  Unsettled,
  type Adapter,
  type Capabilities,
  type Credential,
  type Listed,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { checked, outputLine, partOfWhole, textOf, throwUnlessStopped } from './answers.js';
import { configOf } from './job-config.js';
import { inputOf, keyIn } from './job-input.js';
import { failureOf, isNotThere, isSuccess, jsonOf, notAnswered, ProviderHttp } from './provider-http.js';
import { runpodWebhookUrl, verifyRunpodWebhook } from './runpod-webhook.js';

/** Its words for a state: the documentation has both of those for a job that runs. */
export const RUNPOD_JOB_STATES: Readonly<Record<string, RemoteState>> = {
  IN_QUEUE: 'submitted',
  IN_PROGRESS: 'running',
  RUNNING: 'running',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timed_out',
};

const MAX_BODY_BYTES = 10_000_000;
const MIN_TIMEOUT_MS = 5_001;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
// Results are kept for 30 minutes: a job that was made earlier may have been there and be gone.
const REMEMBERS_MS = 25 * 60_000;

const job = z.looseObject({
  id: z.string().min(1).max(200),
  status: z.string(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
});
type Job = z.infer<typeof job>;
const requests = z.looseObject({ requests: z.array(job) });

/** One serverless endpoint of RunPod: its queue takes JSON, and workers of its own image take it from there. */
export class RunpodServerlessAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    // What workers print is not told by job: its log is its output, and there is none before its end.
    logs: true,
    files: false,
    cancelAgainMs: 30_000,
    poll: { baseMs: 5_000, maxMs: 60_000 },
    logsEveryMs: 3_600_000,
    maxCalls: 32,
    // 1000 submits in ten seconds, and twice as many looks.
    rate: { perSecond: 100, burst: 200 },
  };
  readonly authSecret: string;
  readonly webhookSecret: string | undefined;
  readonly verifyWebhook = verifyRunpodWebhook;
  readonly #http: ProviderHttp;
  readonly #endpoint: string;

  constructor(
    readonly name: string,
    config: ProviderConfigOf<'runpod_serverless'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.webhookSecret = config.webhook_secret;
    this.#endpoint = `/${config.endpoint_id}`;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const body = bodyOf(configOf(runpodServerlessConfig, submission), submission);
    const bytes = Buffer.byteLength(JSON.stringify(body));
    if (bytes > MAX_BODY_BYTES)
      throw new ProviderFailure(
        'refused',
        `config.input: ${bytes} bytes with what is added, of 10 MB at most`,
      );
    const answer = await this.#http.send({ method: 'POST', path: `${this.#endpoint}/run`, body }, credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    return { externalId: checked(job, jsonOf(answer)).id };
  }

  /** Jobs have no names: one is known by the input that carries our key, where the queue's list still has it and shows its input. */
  async find(
    runKey: string,
    credential: Credential,
    since = new Date(),
  ): Promise<{ externalId: string } | null> {
    const jobs = await this.#requests(credential);
    const found = jobs.find(({ input }) => keyIn(input) === runKey);
    if (found) return { externalId: found.id };
    if (Date.now() - since.getTime() > REMEMBERS_MS)
      throw new Unsettled('jobs of that time may be forgotten there');
    if (jobs.some(({ input }) => input === undefined || input === null))
      throw new Unsettled('its list does not show the input of every job');
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

  async list(_externalIds: readonly string[], credential: Credential): Promise<readonly Listed[]> {
    const jobs = new Map((await this.#requests(credential)).map((one) => [one.id, one]));
    return [...jobs.values()].map((one) => {
      const runKey = keyIn(one.input);
      return {
        externalId: one.id,
        seen: observationOf(one),
        ...(runKey === undefined ? {} : { runKey }),
      };
    });
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = `${this.#endpoint}/cancel/${encodeURIComponent(externalId)}`;
    throwUnlessStopped(await this.#http.send({ method: 'POST', path }, credential));
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const found = isOver ? await this.#read(externalId, credential) : undefined;
    return partOfWhole(outputLine(found?.output), cursor, isOver);
  }

  async #requests(credential: Credential): Promise<readonly Job[]> {
    const answer = await this.#http.send({ method: 'GET', path: `${this.#endpoint}/requests` }, credential);
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(requests, jsonOf(answer)).requests;
  }

  async #read(externalId: string, credential: Credential): Promise<Job | undefined> {
    const path = `${this.#endpoint}/status/${encodeURIComponent(externalId)}`;
    const answer = await this.#http.send({ method: 'GET', path }, credential);
    if (isNotThere(answer)) return undefined;
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(job, jsonOf(answer));
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function bodyOf({ input, policy }: RunpodServerlessConfig, submission: Submission): Record<string, unknown> {
  const { runKey, webhook, maxRuntimeSeconds } = submission;
  const limits = { ...policy, ...timesOf(policy ?? {}, maxRuntimeSeconds) };
  return {
    input: inputOf(input, submission),
    ...(webhook === undefined ? {} : { webhook: runpodWebhookUrl(webhook, runKey) }),
    ...(Object.keys(limits).length === 0 ? {} : { policy: limits }),
  };
}

/** It stops a job after ten minutes, unless it is told otherwise, and deletes even a running one whose time to live is over. */
function timesOf(
  { executionTimeout, ttl }: NonNullable<RunpodServerlessConfig['policy']>,
  maxRuntimeSeconds: number | null,
): { executionTimeout?: number; ttl?: number } {
  if (maxRuntimeSeconds === null) return {};
  const wanted = Math.min(maxRuntimeSeconds * 1_000, executionTimeout ?? WEEK_MS);
  const timeout = Math.max(MIN_TIMEOUT_MS, wanted);
  // A day in the queue, as it gives by itself, and then the whole time to run.
  return { executionTimeout: timeout, ttl: ttl ?? Math.min(WEEK_MS, DAY_MS + timeout) };
}

function observationOf({ status, error }: Job): Observation {
  const state = Object.hasOwn(RUNPOD_JOB_STATES, status) ? RUNPOD_JOB_STATES[status] : undefined;
  const message = textOf(error);
  return { word: status.slice(0, 60), state, ...(message === undefined ? {} : { message }) };
}
