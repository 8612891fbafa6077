import type { FailureCause } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import { isRunKey, type RemoteState } from '../domain/run.js';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type Credential,
  type Listed,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { checked, throwUnlessStopped } from './answers.js';
import { userDataOf } from './lambda-script.js';
import { failureOf, isSuccess, jsonOf, notAnswered, ProviderHttp, type HttpAnswer } from './provider-http.js';
import { rested } from './rested.js';

/** Its words for a state of an instance. It has no jobs: `running` is the machine, and nothing says that a command has ended. */
export const LAMBDA_STATES: Readonly<Record<string, { state: RemoteState; cause?: FailureCause }>> = {
  booting: { state: 'starting' },
  active: { state: 'running' },
  terminating: { state: 'running' },
  unhealthy: { state: 'failed', cause: 'infrastructure' },
  preempted: { state: 'failed', cause: 'preempted' },
  // By us, or else nobody knows by whom and how far it came.
  terminated: { state: 'lost' },
};

// Without a Retry-After. A launch may be made every twelve seconds, anything else once a second.
const REST_MS = { launch: 12_000, other: 1_000 };
const NO_CAPACITY_AGAIN_MS = 60_000;
// Until other instances of the account have gone.
const QUOTA_AGAIN_MS = 300_000;

const instance = z.looseObject({
  id: z.string().min(1).max(200),
  name: z.string().nullish(),
  status: z.string(),
});
type Instance = z.infer<typeof instance>;
const instances = z.looseObject({ data: z.array(instance) });
const launched = z.looseObject({
  data: z.looseObject({ instance_ids: z.tuple([z.string().min(1).max(200)]) }),
});
const failed = z.looseObject({ error: z.looseObject({ code: z.string() }) });
const types = z.looseObject({
  data: z.record(
    z.string(),
    z.looseObject({
      instance_type: z.looseObject({
        price_cents_per_hour: z.number().min(0),
        specs: z.looseObject({ gpus: z.int().min(0) }),
      }),
    }),
  ),
});

/** Instances of Lambda Cloud, one for each run, named by our key. */
export class LambdaAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    // An instance keeps its own.
    logs: false,
    files: false,
    cancelAgainMs: 60_000,
    poll: { baseMs: 15_000, maxMs: 60_000 },
    logsEveryMs: 3_600_000,
    maxCalls: 2,
    rate: { perSecond: 1, burst: 1 },
  };
  readonly authSecret: string;
  readonly #http: ProviderHttp;

  constructor(
    readonly name: string,
    private readonly config: ProviderConfigOf<'lambda'>,
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
    const { runKey, hardware, maxRuntimeSeconds } = submission;
    // Nothing else would ever end it.
    if (maxRuntimeSeconds === null)
      throw new ProviderFailure(
        'refused',
        'max_runtime_seconds is missing: an instance costs until it is stopped',
      );
    const body = {
      region_name: this.config.region,
      instance_type_name: hardware,
      ssh_key_names: [this.config.ssh_key],
      name: runKey,
      tags: [{ key: 'lineclear-run-key', value: runKey }],
      user_data: userDataOf(submission, this.config.image),
    };
    const path = '/instance-operations/launch';
    const answer = await this.#http.send({ method: 'POST', path, body }, credential);
    if (!isSuccess(answer)) throw refusal(answer);
    const [externalId] = checked(launched, jsonOf(answer)).data.instance_ids;
    return { externalId };
  }

  /** Names are not unique, but ours are. One that was launched just now may be in the list only after some seconds. */
  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    const found = (await this.#instances(credential)).find(({ name }) => name === runKey);
    return found === undefined ? null : { externalId: found.id };
  }

  /** One request for all of them: it allows one a second. */
  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const all = new Map((await this.#instances(credential)).map((one) => [one.id, one]));
    return new Map(
      externalIds.flatMap((id): [string, Observation][] => {
        const one = all.get(id);
        return one === undefined ? [] : [[id, observationOf(one)]];
      }),
    );
  }

  async list(_externalIds: readonly string[], credential: Credential): Promise<readonly Listed[]> {
    const all = new Map((await this.#instances(credential)).map((one) => [one.id, one]));
    return [...all.values()].map((one) => ({
      externalId: one.id,
      seen: observationOf(one),
      ...(one.name ? { title: one.name } : {}),
      ...(one.name && isRunKey(one.name) ? { runKey: one.name } : {}),
    }));
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = '/instance-operations/terminate';
    const body = { instance_ids: [externalId] };
    const answer = await this.#http.send({ method: 'POST', path, body }, credential);
    if (answer.status === 429) throw rested(notAnswered(answer), REST_MS.other);
    throwUnlessStopped(answer);
  }

  /** One that is unhealthy costs, too. */
  async release(externalId: string, credential: Credential): Promise<void> {
    await this.cancel(externalId, credential);
  }

  async prices(credential: Credential): Promise<ReadonlyMap<string, { usdPerHour: number; gpus: number }>> {
    const { data } = checked(types, jsonOf(await this.#read('/instance-types', credential)));
    return new Map(
      Object.entries(data).map(
        ([
          name,
          {
            instance_type: { price_cents_per_hour, specs },
          },
        ]) => [name, { usdPerHour: price_cents_per_hour / 100, gpus: specs.gpus }],
      ),
    );
  }

  logs(_externalId: string, cursor: string | null): Promise<LogPart> {
    return Promise.resolve({ text: '', cursorAt: () => cursor ?? '', more: false });
  }

  async #instances(credential: Credential): Promise<readonly Instance[]> {
    return checked(instances, jsonOf(await this.#read('/instances', credential))).data;
  }

  async #read(path: string, credential: Credential): Promise<HttpAnswer> {
    const answer = await this.#http.send({ method: 'GET', path }, credential);
    if (!isSuccess(answer)) throw rested(notAnswered(answer), REST_MS.other);
    return answer;
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

/** What a launch that made nothing means. */
function refusal(answer: HttpAnswer): ProviderFailure {
  const code = codeIn(answer.text);
  if (code.endsWith('/insufficient-capacity'))
    return new ProviderFailure('busy', 'no capacity in the region', NO_CAPACITY_AGAIN_MS);
  if (code === 'global/quota-exceeded')
    return new ProviderFailure('busy', "the account's quota is used up", QUOTA_AGAIN_MS);
  return rested(failureOf(answer), REST_MS.launch);
}

function codeIn(text: string): string {
  try {
    return failed.safeParse(JSON.parse(text)).data?.error.code ?? '';
  } catch {
    return '';
  }
}

function observationOf({ status }: Instance): Observation {
  const known = Object.hasOwn(LAMBDA_STATES, status) ? LAMBDA_STATES[status] : undefined;
  return {
    word: status.slice(0, 60),
    state: known?.state,
    ...(known?.cause === undefined ? {} : { cause: known.cause }),
  };
}
