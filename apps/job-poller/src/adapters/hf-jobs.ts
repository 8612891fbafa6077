import { hfJobsConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type Credential,
  type Listed,
  type LogPart,
  type NextPage,
  type Observation,
  type Submission,
} from './adapter.js';
import { checked, partOfWhole, throwUnlessStopped } from './answers.js';
import { containerOf } from './container.js';
import { linesIn } from './hf-jobs-log.js';
import { configOf } from './job-config.js';
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

/** Its words for a state. */
export const HF_STAGES: Readonly<Record<string, RemoteState>> = {
  SCHEDULING: 'starting',
  RUNNING: 'running',
  COMPLETED: 'succeeded',
  ERROR: 'failed',
  CANCELED: 'cancelled',
  DELETED: 'lost',
};

const RUN_KEY_LABEL = 'lineclear-run-key';
const LIVE = 'stage=RUNNING&stage=SCHEDULING';
const MAX_PAGES = 20;
// Its timeout may count the start, too. We stop it in time; this is for when we are away.
const START_ALLOWANCE_SECONDS = 900;
// The log of a job that goes on is a stream without an end, which begins with all that there is.
const LOG_BYTES = 12_000_000;
const LOG_MS = 5_000;
const SPACES = /^(?:https:\/\/)?(?:huggingface\.co|hf\.co)\/spaces\//;

const job = z.looseObject({
  id: z.string().min(1).max(100),
  createdAt: z.iso.datetime({ offset: true }).nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  status: z.looseObject({ stage: z.string(), message: z.string().nullish() }),
});
type Job = z.infer<typeof job>;
const page = z.array(job);
const hardware = z.array(
  z.looseObject({
    name: z.string(),
    unitCostMicroUSD: z.number().nullish(),
    unitLabel: z.string().nullish(),
    accelerator: z.looseObject({ quantity: z.union([z.string(), z.number()]).nullish() }).nullish(),
  }),
);

/** Hugging Face Jobs: containers of one namespace. Our key is a label, by which lists can be asked. */
export class HfJobsAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: false,
    cancelAgainMs: 30_000,
    poll: { baseMs: 5_000, maxMs: 60_000 },
    // Each reading is of the whole log.
    logsEveryMs: 30_000,
    maxCalls: 8,
    // A thousand requests in five minutes.
    rate: { perSecond: 3, burst: 100 },
  };
  readonly authSecret: string;
  readonly #http: ProviderHttp;
  readonly #jobs: string;

  constructor(
    readonly name: string,
    private readonly config: ProviderConfigOf<'hf_jobs'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.#jobs = `/${config.namespace}`;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const body = bodyOf(submission, this.config.image);
    const answer = await this.#send({ method: 'POST', path: this.#jobs, body }, credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    return { externalId: checked(job, jsonOf(answer)).id };
  }

  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const query = new URLSearchParams({ label: `${RUN_KEY_LABEL}=${runKey}` });
    // A label that was not heeded would be everybody's job.
    const found = (await this.#all(query.toString(), credential)).find((one) => keyOf(one) === runKey);
    return found ? { externalId: found.id } : null;
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id): Promise<[string, Observation][]> => {
        const answer = await this.#send({ method: 'GET', path: this.#pathOf(id) }, credential);
        if (isNotThere(answer)) return [];
        if (!isSuccess(answer)) throw notAnswered(answer);
        return [[id, observationOf(checked(job, jsonOf(answer)))]];
      }),
    );
    return new Map(looks.flat());
  }

  /** Whatever goes on in the namespace: what is over is asked for one by one. */
  async list(
    _externalIds: readonly string[],
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<readonly Listed[]> {
    return (await this.#all(LIVE, credential, nextPage)).map((one) => {
      const runKey = keyOf(one);
      return {
        externalId: one.id,
        seen: observationOf(one),
        ...(runKey === undefined ? {} : { runKey }),
        ...(one.createdAt == null ? {} : { createdAt: new Date(one.createdAt) }),
      };
    });
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = `${this.#pathOf(externalId)}/cancel`;
    throwUnlessStopped(await this.#send({ method: 'POST', path }, credential));
  }

  async prices(credential: Credential): Promise<ReadonlyMap<string, { usdPerHour: number; gpus: number }>> {
    const answer = await this.#send({ method: 'GET', path: '/hardware' }, credential);
    if (!isSuccess(answer)) throw notAnswered(answer);
    return new Map(
      checked(hardware, jsonOf(answer)).flatMap(({ name, unitCostMicroUSD, unitLabel, accelerator }) =>
        unitCostMicroUSD == null || unitLabel !== 'minute'
          ? []
          : [[name, { usdPerHour: (unitCostMicroUSD * 60) / 1_000_000, gpus: gpusOf(accelerator) }] as const],
      ),
    );
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const call: HttpCall = {
      method: 'GET',
      path: `${this.#pathOf(externalId)}/logs`,
      headers: { accept: 'text/event-stream' },
      stream: { maxBytes: LOG_BYTES, maxMs: LOG_MS },
    };
    const answer = await this.#send(call, credential);
    if (!isSuccess(answer) && !isNotThere(answer)) throw notAnswered(answer);
    return partOfWhole(isSuccess(answer) ? linesIn(answer.text) : '', cursor, isOver);
  }

  /** All pages, each job once. The next is followed by its query alone: wherever it points, the credential goes to no other host. */
  async #all(query: string, credential: Credential, nextPage?: NextPage): Promise<readonly Job[]> {
    const found = new Map<string, Job>();
    let next: string | undefined = query;
    for (let pages = 0; next !== undefined; pages += 1) {
      if (pages === MAX_PAGES)
        throw new ProviderFailure('unknown', `its list has more than ${MAX_PAGES} pages`);
      if (pages > 0) await nextPage?.();
      const answer = await this.#send({ method: 'GET', path: `${this.#jobs}?${next}` }, credential);
      if (!isSuccess(answer)) throw notAnswered(answer);
      for (const one of checked(page, jsonOf(answer))) found.set(one.id, one);
      next = nextOf(answer);
    }
    return [...found.values()];
  }

  #pathOf(externalId: string): string {
    return `${this.#jobs}/${encodeURIComponent(externalId)}`;
  }

  /** Makes the call. When it has had too many it says in a header of its own when there may be more. */
  async #send(call: HttpCall, credential: Credential): Promise<HttpAnswer> {
    const answer = await this.#http.send(call, credential);
    const { ratelimit } = answer.headers;
    const seconds = typeof ratelimit === 'string' ? /(?:^|;)\s*t=(\d+)/.exec(ratelimit)?.[1] : undefined;
    if (answer.status !== 429 || answer.retryAfterMs !== undefined || seconds === undefined) return answer;
    return { ...answer, retryAfterMs: Number(seconds) * 1_000 };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function bodyOf(submission: Submission, defaultImage: string | undefined): Record<string, unknown> {
  const { command } = configOf(hfJobsConfig, submission);
  const { image, env, secretEnv } = containerOf(submission, defaultImage);
  const { hardware: flavor, maxRuntimeSeconds, runKey } = submission;
  return {
    ...(SPACES.test(image) ? { spaceId: image.replace(SPACES, '') } : { dockerImage: image }),
    command,
    arguments: [],
    environment: env,
    ...(Object.keys(secretEnv).length === 0 ? {} : { secrets: secretEnv }),
    flavor,
    ...(maxRuntimeSeconds === null ? {} : { timeoutSeconds: maxRuntimeSeconds + START_ALLOWANCE_SECONDS }),
    labels: { [RUN_KEY_LABEL]: runKey },
  };
}

const keyOf = ({ labels }: Job): string | undefined => labels?.[RUN_KEY_LABEL];

const nextOf = ({ headers: { link } }: HttpAnswer): string | undefined =>
  typeof link === 'string' ? /<[^>?]*\?([^>]*)>\s*;\s*rel="?next"?/.exec(link)?.[1] : undefined;

const gpusOf = (accelerator: z.infer<typeof hardware>[number]['accelerator']): number =>
  accelerator == null ? 0 : Number(accelerator.quantity ?? 1) || 1;

/** Why a job ended is only in its message: `Job failed with exit code: 137. Reason: OOMKilled`, `Job timeout`. */
function observationOf({ status: { stage, message } }: Job): Observation {
  const state = Object.hasOwn(HF_STAGES, stage) ? HF_STAGES[stage] : undefined;
  const said = message ?? '';
  const code = /exit code: (\d{1,3})/.exec(said)?.[1];
  return {
    word: stage.slice(0, 60),
    state: state === 'failed' && said === 'Job timeout' ? 'timed_out' : state,
    ...(said === '' ? {} : { message: said }),
    ...(code === undefined ? {} : { exitCode: Number(code) }),
    ...(state === 'failed' && said.includes('OOMKilled') ? { cause: 'oom' } : {}),
  };
}
