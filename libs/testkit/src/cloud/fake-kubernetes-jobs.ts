import { randomUUID } from 'node:crypto';
import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeKubernetesJobsCall =
  | 'createJob'
  | 'getJob'
  | 'listJobs'
  | 'deleteJob'
  | 'listPods'
  | 'readLog'
  | `${'create' | 'replace' | 'patch' | 'delete'}Secret`;

interface Metadata {
  name: string;
  uid: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  ownerReferences?: { uid: string }[];
  [more: string]: unknown;
}
export interface FakeKubernetesObject {
  metadata: Metadata;
  [more: string]: unknown;
}

export interface FakeKubernetesJobs extends FakeHttp<FakeKubernetesJobsCall> {
  readonly jobs: Map<string, FakeKubernetesObject>;
  readonly pods: Map<string, FakeKubernetesObject>;
  readonly secrets: Map<string, FakeKubernetesObject>;
  /** The pod of a Job. */
  podOf(job: string): FakeKubernetesObject | undefined;
  addPod(job: string, more?: Partial<Metadata>): FakeKubernetesObject;
  /** What its container writes, at a time of the node's clock. */
  write(pod: string, text: string, at?: string): void;
  /** Called after each page of a list. */
  afterPage: (() => void) | undefined;
  /** Its pages are forgotten: their tokens are answered with 410. */
  forgetPages(): void;
}

const fail = (status: number, reason: string, message: string): FakeAnswer => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status },
});
const notFound = (name: string): FakeAnswer => fail(404, 'NotFound', `"${name}" not found`);

/** Speaks the part of the Kubernetes API that is about Jobs of one namespace, their pods and their Secrets; nothing ever runs in it. */
export async function startFakeKubernetesJobs(options: {
  readonly token: string;
  readonly namespace: string;
}): Promise<FakeKubernetesJobs> {
  const jobs = new Map<string, FakeKubernetesObject>();
  const pods = new Map<string, FakeKubernetesObject>();
  const secrets = new Map<string, FakeKubernetesObject>();
  const logs = new Map<string, { at: string; text: string }[]>();
  const pages = new Map<string, readonly FakeKubernetesObject[]>();

  const create = (kind: Map<string, FakeKubernetesObject>, { body }: FakeRequest): FakeAnswer => {
    const given = body as FakeKubernetesObject;
    const { name } = given.metadata;
    if (kind.has(name)) return fail(409, 'AlreadyExists', `"${name}" already exists`);
    const made = {
      ...given,
      metadata: { ...given.metadata, uid: randomUUID(), creationTimestamp: secondsOf(new Date()) },
    };
    kind.set(name, made);
    return { status: 201, body: made };
  };

  const addPod = (name: string, more: Partial<Metadata> = {}): FakeKubernetesObject => {
    const { metadata, spec } = jobs.get(name) as FakeKubernetesObject & {
      spec: { template: { metadata: { labels: Record<string, string> } } };
    };
    const made: FakeKubernetesObject = {
      metadata: {
        name: `${name}-${String(pods.size).padStart(5, 'x')}`,
        uid: randomUUID(),
        creationTimestamp: secondsOf(new Date()),
        labels: spec.template.metadata.labels,
        ownerReferences: [{ uid: metadata.uid }],
        ...more,
      },
      status: { phase: 'Pending' },
    };
    pods.set(made.metadata.name, made);
    return made;
  };

  const remove = (kind: Map<string, FakeKubernetesObject>, name: string): FakeAnswer => {
    const found = kind.get(name);
    if (!found) return notFound(name);
    kind.delete(name);
    for (const dependents of [pods, secrets])
      for (const [its, { metadata }] of dependents)
        if (metadata.ownerReferences?.some(({ uid }) => uid === found.metadata.uid)) dependents.delete(its);
    return { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
  };

  /** All pages are of the moment at which the first was asked for. */
  const list = (kind: Map<string, FakeKubernetesObject>, query: URLSearchParams): FakeAnswer => {
    const next = query.get('continue');
    const rest =
      next === null
        ? [...kind.values()].filter(({ metadata }) => isSelected(metadata.labels, query.get('labelSelector')))
        : pages.get(next);
    if (!rest) return fail(410, 'Expired', 'The provided continue parameter is too old');
    const limit = Number(query.get('limit') ?? rest.length) || rest.length;
    const token = randomUUID();
    if (rest.length > limit) pages.set(token, rest.slice(limit));
    const metadata = { resourceVersion: '1', ...(rest.length > limit ? { continue: token } : {}) };
    const answer = { status: 200, body: structuredClone({ metadata, items: rest.slice(0, limit) }) };
    started.afterPage?.();
    return answer;
  };

  const log = (name: string, query: URLSearchParams): FakeAnswer => {
    const found = pods.get(name);
    if (!found) return notFound(name);
    if ((found['status'] as { phase: string }).phase === 'Pending')
      return fail(
        400,
        'BadRequest',
        `container "job" in pod "${name}" is waiting to start: ContainerCreating`,
      );
    const since = query.get('sinceTime');
    const lines = (logs.get(name) ?? []).filter(
      ({ at }) => since === null || Date.parse(at) >= Date.parse(since),
    );
    const text = lines.map(({ at, text: line }) => `${at} ${line}`).join('');
    const limit = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY);
    return { status: 200, body: text.slice(0, limit) };
  };

  const routeSecret = (
    request: FakeRequest,
    name: string | undefined,
  ): FakeRoute<FakeKubernetesJobsCall> | undefined => {
    const found = secrets.get(name ?? '');
    const change = (by: Partial<FakeKubernetesObject>): FakeAnswer => {
      if (!found) return notFound(name ?? '');
      Object.assign(found, by, { metadata: { ...found.metadata, ...by.metadata } });
      return { status: 200, body: found };
    };
    const body = request.body as Partial<FakeKubernetesObject>;
    switch (request.method) {
      case 'POST':
        return { call: 'createSecret', answer: () => create(secrets, request) };
      case 'PUT':
        return { call: 'replaceSecret', answer: () => change(body) };
      case 'PATCH':
        return {
          call: 'patchSecret',
          answer: () =>
            request.headers['content-type'] === 'application/merge-patch+json'
              ? change(body)
              : fail(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format'),
        };
      case 'DELETE':
        return { call: 'deleteSecret', answer: () => remove(secrets, name ?? '') };
      default:
        return undefined;
    }
  };

  const route = (request: FakeRequest): FakeRoute<FakeKubernetesJobsCall> | undefined => {
    const { method, query } = request;
    const path = request.path.join('/');
    const inNamespace = `namespaces/${options.namespace}/`;
    const at = path.indexOf(inNamespace);
    if (at === -1) return undefined;
    const [kind, name, sub] = path.slice(at + inNamespace.length).split('/');
    if (kind === 'secrets') return routeSecret(request, name);
    if (kind === 'pods' && sub === 'log') return { call: 'readLog', answer: () => log(name ?? '', query) };
    if (kind === 'pods') return { call: 'listPods', answer: () => list(pods, query) };
    if (kind !== 'jobs' || !path.startsWith('apis/batch/v1/')) return undefined;
    if (method === 'POST')
      return {
        call: 'createJob',
        answer: () => {
          const made = create(jobs, request);
          if (made.status === 201) addPod((made.body as FakeKubernetesObject).metadata.name);
          return made;
        },
      };
    if (name === undefined) return { call: 'listJobs', answer: () => list(jobs, query) };
    if (method === 'DELETE') return { call: 'deleteJob', answer: () => remove(jobs, name) };
    const found = jobs.get(name);
    return { call: 'getJob', answer: () => (found ? { status: 200, body: found } : notFound(name)) };
  };

  const fake = await startFakeHttp<FakeKubernetesJobsCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${options.token}`,
  });
  const started: FakeKubernetesJobs = {
    ...fake,
    jobs,
    pods,
    secrets,
    podOf: (job) =>
      [...pods.values()].find(
        ({ metadata }) => metadata.ownerReferences?.[0]?.uid === jobs.get(job)?.metadata.uid,
      ),
    addPod,
    write(pod, text, at = new Date().toISOString().replace('Z', '000000Z')) {
      const lines = logs.get(pod) ?? [];
      logs.set(pod, lines);
      for (const part of text.split(/(?<=\n)/)) {
        const last = lines.at(-1);
        if (last && !last.text.endsWith('\n')) last.text += part;
        else lines.push({ at, text: part });
      }
    },
    afterPage: undefined,
    forgetPages: () => pages.clear(),
  };
  return started;
}

const secondsOf = (time: Date): string => time.toISOString().replace(/\.\d+/, '');

/** Equality and existence, all that is asked here. */
function isSelected(labels: Readonly<Record<string, string>> = {}, selector: string | null): boolean {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .every((one) => {
      const [label = '', value] = one.split('=');
      return value === undefined ? label in labels : labels[label] === value;
    });
}
