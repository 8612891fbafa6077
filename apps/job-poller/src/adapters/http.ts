import { fields, pathOfUse, sendsFiles } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import type { Progress } from '../domain/run.js';
import { storable } from '../domain/storable.js';
import { at, fillBody, fillPath, type Fields } from '../domain/template.js';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type Credential,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { throwUnlessStopped } from './answers.js';
import { verifyHttpWebhook } from './http-webhook.js';
import {
  failureOf,
  isNotThere,
  isSuccess,
  jsonOf,
  notAnswered,
  ProviderHttp,
  type HttpAnswer,
} from './provider-http.js';
import type { ArrivedWebhook, Hint } from './webhook.js';

type HttpProviderConfig = ProviderConfigOf<'http'>;
type Call = Pick<HttpProviderConfig['status'], 'method' | 'path' | 'body'>;

const CONNECTIONS = 64;
const LOGS_EVERY_MS = 5_000;
const CANCEL_AGAIN_MS = 30_000;
const MAX_POLL_MS = 60_000;

/** Any provider with an HTTP API: the configuration says how its requests look and where in its answers things are. */
export class HttpAdapter implements Adapter {
  readonly capabilities: Capabilities;
  readonly authSecret: string | undefined;
  readonly webhookSecret: string | undefined;
  readonly #http: ProviderHttp;

  constructor(
    readonly name: string,
    private readonly config: HttpProviderConfig,
    timeoutMs: number,
  ) {
    const baseMs = config.poll_interval_seconds * 1_000;
    this.capabilities = {
      cancel: config.cancel !== undefined,
      cancelRemoves: config.cancel?.method === 'DELETE',
      logs: config.logs !== undefined,
      files: sendsFiles(config.submit),
      cancelAgainMs: CANCEL_AGAIN_MS,
      poll: { baseMs, maxMs: Math.max(baseMs, MAX_POLL_MS) },
      logsEveryMs: LOGS_EVERY_MS,
      maxCalls: CONNECTIONS,
    };
    this.authSecret = config.auth?.secret;
    this.webhookSecret = config.webhook?.secret;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: CONNECTIONS,
      authorize: (secret) => authorization(config.auth, secret),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const answer = await this.#send(this.config.submit, fieldsOf(submission), credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    const externalId = idAt(jsonOf(answer), this.config.submit.external_id);
    if (externalId === undefined)
      throw new ProviderFailure('unknown', `its answer has no id at ${this.config.submit.external_id}`);
    return { externalId };
  }

  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const answer = await this.#send(this.config.find, { run_key: runKey }, credential);
    if (isNotThere(answer)) return null;
    if (!isSuccess(answer)) throw notAnswered(answer);
    const externalId = idAt(jsonOf(answer), this.config.find.external_id);
    return externalId === undefined ? null : { externalId };
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

  async #look(externalId: string, credential: Credential): Promise<Observation | undefined> {
    const { status } = this.config;
    const answer = await this.#send(status, { external_id: externalId }, credential);
    if (isNotThere(answer)) return undefined;
    if (!isSuccess(answer)) throw notAnswered(answer);
    const body = jsonOf(answer);
    const word = wordAt(body, status.state);
    const message = status.message === undefined ? undefined : at(body, status.message);
    const cost = fields.costUsd.safeParse(
      status.cost_usd === undefined ? undefined : at(body, status.cost_usd),
    );
    const progress = status.progress === undefined ? undefined : progressAt(body, status.progress);
    return {
      word,
      state: Object.hasOwn(this.config.states, word) ? this.config.states[word] : undefined,
      ...(typeof message === 'string' && message !== '' ? { message } : {}),
      ...(cost.success ? { costUsd: cost.data } : {}),
      ...(progress === undefined ? {} : { progress }),
    };
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    if (!this.config.cancel) return;
    const answer = await this.#send(this.config.cancel, { external_id: externalId }, credential);
    throwUnlessStopped(answer);
  }

  /** The provider hands out the whole log each time; the cursor is how much of it was read. */
  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const { logs } = this.config;
    const read = Number(cursor ?? 0);
    if (!logs) return nothingAt(read);
    const answer = await this.#send(logs, { external_id: externalId }, credential);
    if (isNotThere(answer)) return nothingAt(read);
    if (!isSuccess(answer)) throw notAnswered(answer);
    const found = logs.text === undefined ? answer.text : at(jsonOf(answer), logs.text);
    const given = typeof found === 'string' ? found : '';
    const whole = isOver ? given : given.slice(0, given.lastIndexOf('\n') + 1);
    return { text: whole.slice(read), cursorAt: (taken) => String(read + taken), more: false };
  }

  verifyWebhook(webhook: ArrivedWebhook): Hint | undefined {
    const { webhook: config } = this.config;
    return config && verifyHttpWebhook(config, webhook);
  }

  /** Makes a call with its templates filled. */
  #send({ method, path, body }: Call, fields: Fields, credential: Credential): Promise<HttpAnswer> {
    return this.#http.send(
      {
        method,
        path: fillPath(path, fields),
        ...(body === undefined ? {} : { body: fillBody(body, fields) }),
      },
      credential,
    );
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function authorization(auth: HttpProviderConfig['auth'], secret: string): Record<string, string> {
  if (!auth) return {};
  return { [auth.header]: auth.scheme === '' ? secret : `${auth.scheme} ${secret}` };
}

const fieldsOf = (submission: Submission): Fields => ({
  run_key: submission.runKey,
  job_id: submission.jobId,
  attempt: submission.attempt,
  config: submission.config,
  hardware: submission.hardware,
  env: envOf(submission),
  files:
    submission.files.length === 0
      ? undefined
      : Object.fromEntries(
          submission.files.map(({ name, file, value }) => [pathOfUse(name, file), value.reveal()]),
        ),
  max_runtime_seconds: submission.maxRuntimeSeconds ?? undefined,
  output_path: submission.outputPath ?? undefined,
  checkpoint_path: submission.checkpointPath ?? undefined,
  resume_from: submission.attempt > 1 ? (submission.checkpointPath ?? undefined) : undefined,
});

/** @throws ProviderFailure for a variable that is to say where a file in the home folder is, which only the provider knows */
function envOf({ env, files }: Submission): Record<string, string> {
  const variables = [...env].map(([variable, { value }]) => [variable, value.reveal()] as const);
  const places = files.flatMap(({ name, file, variable }) => {
    if (variable === undefined) return [];
    if (!file.startsWith('~/')) return [[variable, pathOfUse(name, file)] as const];
    throw new ProviderFailure(
      'refused',
      `${variable} cannot be set: nobody here knows where ${file} will be`,
    );
  });
  return Object.fromEntries([...variables, ...places]);
}

const nothingAt = (read: number): LogPart => ({ text: '', cursorAt: () => String(read), more: false });

function idAt(body: unknown, pointer: string): string | undefined {
  const id = at(body, pointer);
  if (id === undefined || id === null || id === '') return undefined;
  if ((typeof id === 'string' && id.length <= 200 && id === storable(id)) || typeof id === 'number')
    return String(id);
  throw new ProviderFailure('unknown', `what it has at ${pointer} is no id`);
}

/** The provider's word for a state; one that is a number or a truth value is its text. */
function wordAt(body: unknown, pointer: string): string {
  const value = at(body, pointer);
  return ['string', 'number', 'boolean'].includes(typeof value)
    ? String(value as string | number | boolean).slice(0, 60)
    : '';
}

const numberAt = (body: unknown, pointer: string): number | undefined => {
  const value = at(body, pointer);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

/** A share from 0 to 1, or a percentage above. */
function progressAt(body: unknown, pointer: string): Progress | undefined {
  const value = numberAt(body, pointer);
  if (value === undefined || value < 0 || value > 100) return undefined;
  return { progress: value > 1 ? value / 100 : value };
}
