import type { ProviderConfigOf } from '@lineclear/kit';
import type { z } from 'zod';
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
import { checked, throwUnlessStopped } from './answers.js';
import { partOf, placeOf, sinceOf } from './kubernetes-log.js';
import { CONTAINER, jobOf, MANAGED, ownedBy, RUN_KEY_LABEL, secretOf } from './kubernetes-manifest.js';
import { job, keyOf, newest, observationOf, pageOf, pod, type Job, type Pod } from './kubernetes-objects.js';
import {
  failureOf,
  isNotThere,
  isSuccess,
  jsonOf,
  notAnswered,
  ProviderHttp,
  type HttpAnswer,
} from './provider-http.js';

const PAGE = 500;
// A list that is read so slowly that its beginning is forgotten (410) is begun again.
const MAX_LISTS = 3;
const LOG_BYTES = 8_000_000;
const MERGE = { 'content-type': 'application/merge-patch+json' };

/** Jobs of one namespace of a cluster. The name of a Job is our key, and its external id: the cluster makes no second one. */
export class KubernetesAdapter implements Adapter {
  readonly capabilities: Capabilities = {
    cancel: true,
    cancelRemoves: true,
    logs: true,
    files: true,
    cancelAgainMs: 60_000,
    poll: { baseMs: 5_000, maxMs: 60_000 },
    logsEveryMs: 5_000,
    maxCalls: 16,
    // What the cluster's own controllers hold themselves to.
    rate: { perSecond: 20, burst: 30 },
  };
  readonly authSecret: string;
  readonly #http: ProviderHttp;
  readonly #jobs: string;
  readonly #pods: string;
  readonly #secrets: string;

  constructor(
    readonly name: string,
    private readonly config: ProviderConfigOf<'kubernetes'>,
    timeoutMs: number,
  ) {
    this.authSecret = config.secret;
    this.#jobs = `/apis/batch/v1/namespaces/${config.namespace}/jobs`;
    this.#pods = `/api/v1/namespaces/${config.namespace}/pods`;
    this.#secrets = `/api/v1/namespaces/${config.namespace}/secrets`;
    this.#http = new ProviderHttp({
      baseUrl: config.base_url,
      timeoutMs,
      connections: this.capabilities.maxCalls,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
      ca: config.ca,
    });
  }

  /** The Secret first, so that no Job is ever without it; then it is given to the Job. */
  async submit(submission: Submission, credential: Credential): Promise<{ externalId: string }> {
    const { runKey } = submission;
    const body = jobOf(submission, this.config);
    const secret = secretOf(submission, this.config.namespace);
    if (secret) await this.#putSecret(runKey, secret, credential);
    let made: Job;
    try {
      const answer = await this.#http.send({ method: 'POST', path: this.#jobs, body }, credential);
      if (!isSuccess(answer)) throw creationFailure(answer);
      made = checked(job, jsonOf(answer));
    } catch (error) {
      if (secret && error instanceof ProviderFailure && isCertain(error))
        await this.#removeSecret(runKey, credential);
      throw error;
    }
    if (secret) await this.#giveSecret(made, credential);
    return { externalId: made.metadata.name };
  }

  async find(
    runKey: string,
    credential: Credential,
    _since?: Date,
    mayArrive = false,
  ): Promise<{ externalId: string } | null> {
    const found = await this.#readJob(runKey, credential);
    // A submit that was cut short may have left its Secret. A Job that is still on its way would wait for it for ever.
    if (found) await this.#giveSecret(found, credential);
    else if (!mayArrive) await this.#removeSecret(runKey, credential);
    return found ? { externalId: found.metadata.name } : null;
  }

  async get(
    externalIds: readonly string[],
    credential: Credential,
  ): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id): Promise<[string, Observation][]> => {
        const found = await this.#readJob(id, credential);
        return found ? [[id, observationOf(found, await this.#podOf(id, credential))]] : [];
      }),
    );
    return new Map(looks.flat());
  }

  /** Our Jobs, and the pods of all of them: two requests for each five hundred. */
  async list(
    _externalIds: readonly string[],
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<readonly Listed[]> {
    const ours = `${MANAGED.label}=${MANAGED.by},${RUN_KEY_LABEL}`;
    const jobs = await this.#all(this.#jobs, ours, job, credential, nextPage);
    await nextPage?.();
    const pods = podsByKey(await this.#all(this.#pods, ours, pod, credential, nextPage));
    return jobs.map((one) => {
      const runKey = keyOf(one);
      const createdAt = one.metadata.creationTimestamp;
      return {
        externalId: one.metadata.name,
        seen: observationOf(one, newest(pods.get(runKey) ?? [])),
        ...(runKey === undefined ? {} : { runKey }),
        ...(createdAt == null ? {} : { createdAt: new Date(createdAt) }),
      };
    });
  }

  /** Foreground: the Job is there until its pods are gone, so that nobody takes it for stopped while one still computes. */
  async cancel(externalId: string, credential: Credential): Promise<void> {
    const path = `${this.#jobs}/${encodeURIComponent(externalId)}`;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Foreground' };
    throwUnlessStopped(await this.#http.send({ method: 'DELETE', path, body }, credential));
  }

  async logs(
    externalId: string,
    cursor: string | null,
    isOver: boolean,
    credential: Credential,
  ): Promise<LogPart> {
    const its = await this.#podOf(externalId, credential);
    if (!its) return { text: '', cursorAt: () => cursor ?? '', more: false };
    const from = placeOf(cursor, its.metadata.name);
    const since = sinceOf(from);
    const query = new URLSearchParams({
      container: CONTAINER,
      timestamps: 'true',
      limitBytes: String(LOG_BYTES),
      ...(since === undefined ? {} : { sinceTime: since }),
    });
    const path = `${this.#pods}/${encodeURIComponent(its.metadata.name)}/log?${query.toString()}`;
    const answer = await this.#http.send({ method: 'GET', path, headers: { accept: '*/*' } }, credential);
    // 400: its container has not begun. 404: its node is gone, and the log with it.
    const hasNone = isNotThere(answer) || answer.status === 400;
    if (!hasNone && !isSuccess(answer)) throw notAnswered(answer);
    const text = hasNone ? '' : answer.text;
    return partOf(text, from, { isOver, isCut: Buffer.byteLength(text) >= LOG_BYTES });
  }

  async #readJob(name: string, credential: Credential): Promise<Job | undefined> {
    const path = `${this.#jobs}/${encodeURIComponent(name)}`;
    const answer = await this.#http.send({ method: 'GET', path }, credential);
    if (isNotThere(answer)) return undefined;
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(job, jsonOf(answer));
  }

  async #podOf(name: string, credential: Credential): Promise<Pod | undefined> {
    return newest(await this.#all(this.#pods, `${RUN_KEY_LABEL}=${name}`, pod, credential));
  }

  /** All pages of a list as it was at one moment: what changes meanwhile does not shift them. */
  async #all<Item>(
    path: string,
    labelSelector: string,
    item: z.ZodType<Item>,
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<Item[]> {
    let found: Item[] = [];
    let next = '';
    for (let lists = 1, calls = 0; lists <= MAX_LISTS; calls += 1) {
      if (calls > 0) await nextPage?.();
      const query = new URLSearchParams({ labelSelector, limit: String(PAGE) });
      if (next !== '') query.set('continue', next);
      const answer = await this.#http.send(
        { method: 'GET', path: `${path}?${query.toString()}` },
        credential,
      );
      if (answer.status === 410) {
        lists += 1;
        found = [];
        next = '';
        continue;
      }
      if (!isSuccess(answer)) throw notAnswered(answer);
      const page = checked(pageOf(item), jsonOf(answer));
      found.push(...page.items);
      next = page.metadata?.continue ?? '';
      if (next === '') return found;
    }
    throw new ProviderFailure('unknown', 'its list changes faster than it can be read');
  }

  /** One that an earlier try left is replaced: a value may be another by now. */
  async #putSecret(name: string, body: unknown, credential: Credential): Promise<void> {
    const made = await this.#http.send({ method: 'POST', path: this.#secrets, body }, credential);
    if (isSuccess(made)) return;
    if (made.status !== 409) throw creationFailure(made);
    const path = `${this.#secrets}/${name}`;
    const replaced = await this.#http.send({ method: 'PUT', path, body }, credential);
    if (!isSuccess(replaced)) throw creationFailure(replaced);
  }

  /** The Job removes its Secret with itself. @throws ProviderFailure `unknown` when that could not be said: whoever then looks for the Job says it again */
  async #giveSecret({ metadata: { name, uid } }: Job, credential: Credential): Promise<void> {
    const path = `${this.#secrets}/${encodeURIComponent(name)}`;
    const body = ownedBy(name, uid);
    const answer = await this.#http.send({ method: 'PATCH', path, body, headers: MERGE }, credential);
    // Who may not touch Secrets has made none.
    if (isSuccess(answer) || isNotThere(answer) || answer.status === 403) return;
    throw new ProviderFailure('unknown', `its Secret: ${failureOf(answer).message}`);
  }

  async #removeSecret(name: string, credential: Credential): Promise<void> {
    const path = `${this.#secrets}/${encodeURIComponent(name)}`;
    const answer = await this.#http.send({ method: 'DELETE', path }, credential);
    if (isSuccess(answer) || isNotThere(answer) || answer.status === 403) return;
    throw notAnswered(answer);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function podsByKey(pods: readonly Pod[]): ReadonlyMap<string | undefined, readonly Pod[]> {
  const byKey = new Map<string | undefined, Pod[]>();
  for (const one of pods) {
    const key = keyOf(one);
    const known = byKey.get(key);
    if (known) known.push(one);
    else byKey.set(key, [one]);
  }
  return byKey;
}

/** Whether a submit that failed certainly made no Job, and none was there. */
const isCertain = ({ kind }: ProviderFailure): boolean => kind !== 'unknown' && kind !== 'exists';

/** A quota of the namespace that is used up is told as 403, but is no matter of the credential: there will be room again. */
function creationFailure(answer: HttpAnswer): ProviderFailure {
  const failure = failureOf(answer);
  return answer.status === 403 && answer.text.includes('exceeded quota')
    ? new ProviderFailure('busy', failure.message, failure.retryAfterMs)
    : failure;
}
