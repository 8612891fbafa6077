import { skypilotConfig, type FailureCause } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import { isRunKey, type RemoteState } from '../domain/run.js';
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
import { checked, partOfWhole } from './answers.js';
import { identityOf, secretEnvOf, shellLine } from './container.js';
import { configOf } from './job-config.js';
import { outputIn } from './skypilot-log.js';
import { SKYPILOT_CONNECTIONS, SkypilotRequests } from './skypilot-requests.js';

/** Its words for a state of a managed job, and why a run failed where they say so. */
export const SKYPILOT_STATES: Readonly<Record<string, { state: RemoteState; cause?: FailureCause }>> = {
  PENDING: { state: 'submitted' },
  SUBMITTED: { state: 'submitted' },
  STARTING: { state: 'starting' },
  RUNNING: { state: 'running' },
  WINDING_DOWN: { state: 'running' },
  // Its machine was taken away, and it looks for another: that is its business, not a new run.
  RECOVERING: { state: 'running' },
  CANCELLING: { state: 'running' },
  SUCCEEDED: { state: 'succeeded' },
  CANCELLED: { state: 'cancelled' },
  FAILED: { state: 'failed' },
  FAILED_SETUP: { state: 'failed' },
  FAILED_PRECHECKS: { state: 'failed' },
  FAILED_NO_RESOURCE: { state: 'failed', cause: 'no_capacity' },
  FAILED_CONTROLLER: { state: 'failed', cause: 'infrastructure' },
};

const FIELDS = ['job_id', 'job_name', 'status', 'submitted_at', 'end_at', 'failure_reason'];
// The kind of machine that has no accelerator.
const NO_ACCELERATOR = 'cpu';
// What the server says while the machine that leads jobs sleeps, or was never made.
const NO_CONTROLLER = 'ClusterNotUpError';
const LOG = { maxBytes: 15_000_000, maxMs: 20_000 };

const job = z.looseObject({
  job_id: z.int(),
  job_name: z.string().nullish(),
  status: z.string(),
  submitted_at: z.number().nullish(),
  end_at: z.number().nullish(),
  failure_reason: z.string().nullish(),
});
type Job = z.infer<typeof job>;
const queue = z.union([z.array(job), z.looseObject({ jobs: z.array(job) }).transform(({ jobs }) => jobs)]);
const launched = z.looseObject({ job_id: z.union([z.int(), z.tuple([z.int()]).transform(([id]) => id)]) });

/** Managed jobs of a SkyPilot API server. */
export class SkypilotAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: false,
    cancelAgainMs: 60_000,
    // Each look is two calls, and work for the machine that leads the jobs.
    poll: { baseMs: 10_000, maxMs: 60_000 },
    logsEveryMs: 15_000,
    maxCalls: SKYPILOT_CONNECTIONS,
  };
  readonly authSecret: string | undefined;
  readonly #server: SkypilotRequests;

  constructor(
    readonly name: string,
    config: ProviderConfigOf<'skypilot'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.#server = new SkypilotRequests(config, timeoutMs);
  }

  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const { runKey } = submission;
    const task = JSON.stringify(taskOf(submission));
    const { requestId } = await this.#server.post('/jobs/launch', { task, name: runKey }, credential);
    return { externalId: await this.#launched(requestId, runKey, credential) };
  }

  /** The number of the job. The first launch makes the machine that leads jobs, which takes minutes: until then its request stands for it. */
  async #launched(requestId: string, runKey: string, credential: Credential): Promise<string> {
    const later = `launch/${requestId}/${runKey}`;
    const result = await this.#server.resultOf(requestId, credential).catch((error: unknown) => {
      if (error instanceof ProviderFailure) return undefined;
      throw error;
    });
    if (result?.state === 'done') {
      const told = launched.safeParse(result.value);
      return told.success ? String(told.data.job_id) : later;
    }
    if (result?.state !== 'failed') return later;
    // It can fail when the job is made already: what is in the queue counts.
    const found = await this.#named(runKey, credential);
    if (found) return String(found.job_id);
    throw new ProviderFailure('refused', `${result.type}: ${result.message}`);
  }

  /** A launch is in the queue of jobs only once it was worked on: while one waits, nobody can say that there is none. */
  async find(runKey: string, credential: Credential): Promise<{ externalId: string } | null> {
    // In this order: what stops waiting in between is in the queue of jobs then.
    const isLaunching = await this.#server.isLaunching(credential);
    const found = await this.#named(runKey, credential);
    if (found) return { externalId: String(found.job_id) };
    if (isLaunching) throw new Unsettled('a launch waits there that may be this one');
    return null;
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const numbers = externalIds.filter((id) => !isLaunch(id)).map(Number);
    const jobs = numbers.length === 0 ? [] : await this.#queue({ job_ids: numbers }, credential);
    const launches = await Promise.all(
      externalIds.filter(isLaunch).map(async (id) => [id, await this.#launch(id, credential)] as const),
    );
    const seen = new Map(jobs.map((one) => [String(one.job_id), observationOf(one)]));
    for (const [id, one] of launches) if (one) seen.set(id, one);
    return seen;
  }

  async #launch(externalId: string, credential: Credential): Promise<Observation | undefined> {
    const { requestId, runKey } = launchOf(externalId);
    const isUnderWay = await this.#server.isUnderWay(requestId, credential);
    const found = await this.#named(runKey, credential);
    if (found) return observationOf(found);
    if (isUnderWay === undefined) return undefined;
    if (isUnderWay) return { state: 'submitted', word: 'launch' };
    const result = await this.#server.resultOf(requestId, credential);
    if (result.state === 'failed')
      return { state: 'failed', word: 'launch failed', message: `${result.type}: ${result.message}` };
    return result.state === 'cancelled' ? { state: 'cancelled', word: 'launch cancelled' } : undefined;
  }

  async list(_externalIds: readonly string[], credential: Credential): Promise<readonly Listed[]> {
    const jobs = new Map(
      (await this.#queue({ skip_finished: true }, credential)).map((one) => [one.job_id, one]),
    );
    return [...jobs.values()].map((one) => ({
      externalId: String(one.job_id),
      seen: observationOf(one),
      ...(one.job_name ? { title: one.job_name } : {}),
      ...(one.job_name && isRunKey(one.job_name) ? { runKey: one.job_name } : {}),
      ...(typeof one.submitted_at === 'number' ? { createdAt: new Date(one.submitted_at * 1_000) } : {}),
    }));
  }

  async cancel(externalId: string, credential: Credential): Promise<void> {
    if (isLaunch(externalId)) {
      const { requestId, runKey } = launchOf(externalId);
      await this.#server.ask('/api/cancel', { request_ids: [requestId] }, credential);
      await this.#server.ask('/jobs/cancel', { name: runKey }, credential);
      return;
    }
    const result = await this.#server.ask('/jobs/cancel', { job_ids: [Number(externalId)] }, credential);
    // Without a controller nothing runs.
    if (result.state === 'failed' && result.type !== NO_CONTROLLER)
      throw new ProviderFailure('unknown', `${result.type}: ${result.message}`);
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const which = isLaunch(externalId)
      ? { name: launchOf(externalId).runKey }
      : { job_id: Number(externalId) };
    const whole = outputIn(
      await this.#server.text('/jobs/logs', { ...which, follow: false }, LOG, credential),
    );
    // On a new machine, after the old one was taken away, the log begins anew.
    return partOfWhole(whole, Number(cursor ?? 0) > whole.length ? null : cursor, isOver);
  }

  async #named(runKey: string, credential: Credential): Promise<Job | undefined> {
    // It finds names that hold this one, too.
    const jobs = await this.#queue({ name_match: runKey }, credential);
    return jobs.find(({ job_name }) => job_name === runKey);
  }

  async #queue(which: Readonly<Record<string, unknown>>, credential: Credential): Promise<readonly Job[]> {
    const body = { all_users: true, fields: FIELDS, ...which };
    const first = await this.#server.ask('/jobs/queue/v2', body, credential);
    // It sleeps when nothing has run for a while, and knows what has ended: it is woken, which can take longer than one call.
    const result =
      first.state === 'failed' && first.type === NO_CONTROLLER
        ? await this.#server.ask('/jobs/queue/v2', { ...body, refresh: true }, credential)
        : first;
    if (result.state === 'done') return checked(queue, result.value);
    if (result.type === NO_CONTROLLER) return [];
    throw new ProviderFailure('unknown', `${result.type}: ${result.message}`);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

/** A task in its own words. It is read as YAML, which JSON is. */
function taskOf(submission: Submission): Record<string, unknown> {
  const { run, command, setup, resources, envs } = configOf(skypilotConfig, submission);
  const secrets = secretEnvOf(submission);
  const plain = Object.entries({ ...envs, ...identityOf(submission) });
  return {
    name: submission.runKey,
    ...(setup === undefined ? {} : { setup }),
    run: run ?? shellLine(command ?? []),
    resources: {
      ...resources,
      ...(submission.hardware === NO_ACCELERATOR ? {} : { accelerators: submission.hardware }),
    },
    // A variable may be in one of them only. The server shows the second ones to nobody.
    envs: Object.fromEntries(plain.filter(([variable]) => !Object.hasOwn(secrets, variable))),
    secrets,
  };
}

function observationOf({ status, failure_reason, end_at }: Job): Observation {
  const known = Object.hasOwn(SKYPILOT_STATES, status) ? SKYPILOT_STATES[status] : undefined;
  return {
    word: status.slice(0, 60),
    state: known?.state,
    ...(known?.cause === undefined ? {} : { cause: known.cause }),
    ...(failure_reason ? { message: failure_reason } : {}),
    ...(typeof end_at === 'number' ? { endedAt: new Date(end_at * 1_000) } : {}),
  };
}

const isLaunch = (externalId: string): boolean => externalId.startsWith('launch/');

function launchOf(externalId: string): { requestId: string; runKey: string } {
  const [, requestId = '', runKey = ''] = externalId.split('/');
  return { requestId, runKey };
}
