import { Secret } from '@lineclear/kit';
import {
  startFakeKubernetesJobs,
  type FakeKubernetesJobs,
  type FakeKubernetesJobsCall,
  type FakeKubernetesObject,
} from '@lineclear/testkit';
import {
  submissionTo,
  type ContractCall,
  type ContractWorld,
  type RemoteWord,
} from './adapter-contract.fixture.js';
import { KubernetesAdapter } from './kubernetes.js';
import { configured } from './provider-config.fixture.js';

const TOKEN = 'token-of-the-service-account';
const CALLS = {
  submit: 'createJob',
  find: 'getJob',
  get: 'getJob',
  list: 'listJobs',
  cancel: 'deleteJob',
  logs: 'readLog',
} as const satisfies Record<ContractCall, FakeKubernetesJobsCall>;
const MACHINES = {
  'gpu-a100': {
    resources: { limits: { 'nvidia.com/gpu': 1 }, requests: { memory: '64Gi' } },
    node_selector: { 'example.test/gpu': 'a100' },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  },
};

export interface KubernetesWorld extends ContractWorld {
  readonly fake: FakeKubernetesJobs;
  submitOne(more?: Parameters<typeof submissionTo>[1], adapter?: KubernetesAdapter): Promise<string>;
  /** What the cluster says of a Job, and of its pod. */
  statusIs(id: string, job: unknown, pod: unknown): void;
  clear(): void;
}

export const adapterAt = (
  base_url: string,
  more: Readonly<Record<string, unknown>> = {},
): KubernetesAdapter =>
  new KubernetesAdapter(
    'cloud',
    configured('kubernetes', {
      base_url,
      namespace: 'training',
      secret: 'KUBE_TOKEN',
      machines: MACHINES,
      ...more,
    }),
    5_000,
  );

export const condition = (type: string, reason?: string): unknown => ({
  type,
  status: 'True',
  reason,
  message: `it is ${type}`,
  lastTransitionTime: '2026-11-28T10:00:00Z',
});
export const ended = (exitCode: number, reason: string): unknown => ({
  name: 'job',
  state: { terminated: { exitCode, reason, finishedAt: '2026-11-28T09:59:58Z' } },
});

export async function openKubernetes(): Promise<KubernetesWorld> {
  const fake = await startFakeKubernetesJobs({ token: TOKEN, namespace: 'training' });
  const adapter = adapterAt(fake.url);
  const jobIs = (id: string, status: unknown): void => {
    Object.assign(fake.jobs.get(id) ?? {}, { status });
  };
  const podIs = (id: string, status: unknown): void => {
    Object.assign(fake.podOf(id) ?? {}, { status });
  };
  const becomes: Readonly<Record<RemoteWord, (id: string) => void>> = {
    starting: (id) => podIs(id, { phase: 'Pending' }),
    running: (id) => podIs(id, { phase: 'Running' }),
    succeeded: (id) => {
      podIs(id, { phase: 'Succeeded' });
      jobIs(id, { conditions: [condition('Complete')], completionTime: '2026-11-28T10:00:00Z' });
    },
    failed: (id) => {
      podIs(id, { phase: 'Failed', containerStatuses: [ended(1, 'Error')] });
      jobIs(id, { conditions: [condition('Failed', 'BackoffLimitExceeded')] });
    },
    // Somebody deleted it, and its pod is gone already.
    cancelled: (id) => {
      Object.assign(fake.jobs.get(id)?.metadata ?? {}, { deletionTimestamp: '2026-11-28T10:00:00Z' });
      fake.pods.delete(fake.podOf(id)?.metadata.name ?? '');
    },
  };
  const world: KubernetesWorld = {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { image: 'trainer:2', command: ['train', '--epochs', '3'] },
    hardware: 'gpu-a100',
    runsOf: (key) => [...fake.jobs.keys()].filter((name) => name === key).length,
    submitted: (key) => decoded(fake.secrets.get(key)),
    become: (id, state) => becomes[state](id),
    say: (id, phase) => podIs(id, { phase }),
    forget: (id) => void fake.jobs.delete(id),
    write: (id, text) => fake.write(fake.podOf(id)?.metadata.name ?? '', text),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async submitOne(more, by = adapter) {
      const { externalId } = await by.submit(submissionTo(world, more), world.credential);
      return externalId;
    },
    statusIs(id, job, pod) {
      jobIs(id, job);
      podIs(id, pod);
    },
    clear() {
      for (const kind of [fake.jobs, fake.pods, fake.secrets]) kind.clear();
      fake.afterPage = undefined;
    },
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
  return world;
}

export function decoded(secret: FakeKubernetesObject | undefined): Record<string, string> {
  const data = Object.entries((secret?.['data'] ?? {}) as Record<string, string>);
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}
