import { slurmConfig, type SlurmConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
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
import { checked } from './answers.js';
import { identityOf, secretEnvOf } from './container.js';
import { configOf } from './job-config.js';
import { failureOf, isSuccess, jsonOf, notAnswered, ProviderHttp, type HttpAnswer } from './provider-http.js';
import { errorsIn, job, observationOf, pastJob, timeOf, type SlurmJob } from './slurm-objects.js';

// Its errors come with status 500, or even 200, and a number.
const INVALID_JOB_ID = 2017;
const NOT_AUTHENTICATED = 1007;
// What the controller says of a request that it looked at, and did not take.
const isOfController = (code: number): boolean => code >= 2_000 && code < 3_000;
// The controller forgets a job five minutes after its end (MinJobAge); our clock and its may differ.
const REMEMBERS_MS = 240_000;
const DEFAULT_PATH = 'PATH=/usr/local/bin:/usr/bin:/bin';
const OUR_KEY = /^lc-[0-9a-f]{32}-a\d+$/;

const submitted = z.looseObject({ job_id: z.int().min(1) });
const jobs = z.looseObject({ jobs: z.array(job) });
const pastJobs = z.looseObject({ jobs: z.array(pastJob) });

/** A Slurm cluster by its slurmrestd. The name of a job is our key, but the cluster would make a second one of the same name: it is looked for first. */
export class SlurmAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    // Output is in files of the cluster, which slurmrestd does not hand out.
    logs: false,
    files: false,
    cancelAgainMs: 60_000,
    // Each question is one for the controller that schedules, which its documentation asks to spare.
    poll: { baseMs: 10_000, maxMs: 60_000 },
    logsEveryMs: 60_000,
    maxCalls: 8,
    rate: { perSecond: 5, burst: 20 },
  };
  readonly authSecret: string;
  readonly #http: ProviderHttp;
  readonly #controller: string;
  readonly #accounting: string;

  constructor(
    readonly name: string,
    private readonly config: ProviderConfigOf<'slurm'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.#controller = `/slurm/${config.api_version}`;
    this.#accounting = `/slurmdb/${config.api_version}`;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ 'x-slurm-user-name': config.user_name, 'x-slurm-user-token': secret }),
    });
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const body = { job: jobOf(configOf(slurmConfig, submission), submission, this.config) };
    const answer = await this.#http.send(
      { method: 'POST', path: `${this.#controller}/job/submit`, body },
      credential,
    );
    if (isFailure(answer)) throw submitFailure(answer);
    return { externalId: String(checked(submitted, jsonOf(answer)).job_id) };
  }

  async find(
    runKey: string,
    credential: Credential,
    since = new Date(),
  ): Promise<{ externalId: string } | null> {
    const known = await this.#read(`${this.#controller}/jobs/`, jobs, credential);
    const found =
      known?.jobs.find(({ name }) => name === runKey) ?? (await this.#findPast(runKey, credential));
    if (found) return { externalId: String(found.job_id) };
    if (!this.config.accounting && Date.now() - since.getTime() > REMEMBERS_MS)
      throw new Unsettled('the controller may have forgotten jobs of that time');
    return null;
  }

  async #findPast(runKey: string, credential: Credential): Promise<SlurmJob | undefined> {
    if (!this.config.accounting) return undefined;
    const query = new URLSearchParams({ job_name: runKey, users: this.config.user_name });
    const path = `${this.#accounting}/jobs/?${query.toString()}`;
    const past = await this.#read(path, pastJobs, credential);
    return past?.jobs.find(({ name }) => name === runKey);
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id) => [id, await this.#look(id, credential)] as const),
    );
    return new Map(
      looks.flatMap(([id, found]): [string, Observation][] => (found ? [[id, observationOf(found)]] : [])),
    );
  }

  /** One of which the controller knows no more is asked for in the accounting. */
  async #look(externalId: string, credential: Credential): Promise<SlurmJob | undefined> {
    const id = encodeURIComponent(externalId);
    const isIt = ({ job_id }: SlurmJob): boolean => String(job_id) === externalId;
    const now = await this.#read(`${this.#controller}/job/${id}`, jobs, credential);
    const found = now?.jobs.find(isIt);
    if (found || !this.config.accounting) return found;
    const past = await this.#read(`${this.#accounting}/job/${id}`, pastJobs, credential);
    return past?.jobs.find(isIt);
  }

  /** All that the controller has of the user, in one request: it has no pages. */
  async list(_externalIds: readonly string[], credential: Credential): Promise<readonly Listed[]> {
    const known = await this.#read(`${this.#controller}/jobs/`, jobs, credential);
    const ours = (known?.jobs ?? []).filter(({ user_name }) => user_name === this.config.user_name);
    return [...new Map(ours.map((one) => [one.job_id, one])).values()].map((one) => {
      const createdAt = timeOf(one.submit_time);
      return {
        externalId: String(one.job_id),
        seen: observationOf(one),
        ...named(one.name ?? ''),
        ...(createdAt === undefined ? {} : { createdAt }),
      };
    });
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = `${this.#controller}/job/${encodeURIComponent(externalId)}`;
    const answer = await this.#http.send({ method: 'DELETE', path }, credential);
    // It is over or gone, or the next look shows what is.
    if (!isFailure(answer) || errorsIn(answer.text).some(isOfController)) return;
    throw readFailure(answer);
  }

  async logs(_externalId: string, cursor: string | null): Promise<LogPart> {
    return Promise.resolve({ text: '', cursorAt: () => cursor ?? '', more: false });
  }

  /** Undefined where there is no such job. */
  async #read<T extends z.ZodType>(
    path: string,
    schema: T,
    credential: Credential,
  ): Promise<z.infer<T> | undefined> {
    const answer = await this.#http.send({ method: 'GET', path }, credential);
    if (errorsIn(answer.text).includes(INVALID_JOB_ID)) return undefined;
    if (isFailure(answer)) throw readFailure(answer);
    return checked(schema, jsonOf(answer));
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

const isFailure = (answer: HttpAnswer): boolean => !isSuccess(answer) || errorsIn(answer.text).length > 0;

/** A job that the controller looked at and did not take will not be taken; of anything else nobody knows what became. */
function submitFailure(answer: HttpAnswer): ProviderFailure {
  const errors = errorsIn(answer.text);
  const { kind, message, retryAfterMs } = failureOf(answer);
  if (errors.includes(NOT_AUTHENTICATED)) return new ProviderFailure('denied', message);
  if (errors.some(isOfController)) return new ProviderFailure('refused', message);
  return new ProviderFailure(isSuccess(answer) ? 'unknown' : kind, message, retryAfterMs);
}

const readFailure = (answer: HttpAnswer): ProviderFailure =>
  errorsIn(answer.text).includes(NOT_AUTHENTICATED)
    ? new ProviderFailure('denied', failureOf(answer).message)
    : notAnswered(answer);

const named = (name: string): Pick<Listed, 'runKey' | 'title'> =>
  OUR_KEY.test(name) ? { runKey: name } : name === '' ? {} : { title: name };

/** @throws ProviderFailure `refused` for hardware that is not in the configuration */
function jobOf(
  { script, command = [], env, working_directory, nodes, tasks }: SlurmConfig,
  submission: Submission,
  config: ProviderConfigOf<'slurm'>,
): Record<string, unknown> {
  const { hardware, runKey, maxRuntimeSeconds } = submission;
  const machine = Object.hasOwn(config.machines, hardware) ? config.machines[hardware] : undefined;
  if (!machine)
    throw new ProviderFailure('refused', `hardware: ${hardware} is not among the provider's machines`);
  return {
    name: runKey,
    script: script ?? scriptOf(command),
    environment: environmentOf(env, submission),
    current_working_directory: working_directory ?? config.working_directory,
    // Whether it is tried again is not the cluster's to say.
    requeue: false,
    ...given({
      account: config.account,
      qos: config.qos,
      partition: machine.partition ?? config.partition,
      tres_per_node: machine.tres_per_node,
      cpus_per_task: machine.cpus_per_task,
      memory_per_node: number(machine.memory_per_node_mb),
      minimum_nodes: nodes,
      maximum_nodes: nodes,
      tasks,
      // It counts in minutes.
      time_limit: number(maxRuntimeSeconds === null ? undefined : Math.ceil(maxRuntimeSeconds / 60)),
    }),
  };
}

const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const number = (value: number | undefined): unknown =>
  value === undefined ? undefined : { set: true, infinite: false, number: value };

/** A script that becomes the command: quoted, so that no shell reads its words. */
const scriptOf = (command: readonly string[]): string =>
  `#!/bin/sh\nexec ${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}\n`;

/** Nothing comes from where slurmrestd runs: a job has these variables, and those of Slurm. */
function environmentOf(own: Readonly<Record<string, string>>, submission: Submission): string[] {
  const variables = new Map(
    Object.entries({ ...own, ...identityOf(submission), ...secretEnvOf(submission) }),
  );
  const lines = [...variables].map(([name, value]) => `${name}=${value}`);
  return variables.has('PATH') ? lines : [DEFAULT_PATH, ...lines];
}
