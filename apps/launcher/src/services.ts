import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds apps/, libs/ and deploy/. */
export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** What a service may know of the house when its environment is made. */
export interface HousePlan {
  readonly home: string;
  readonly urlOf: (service: string) => string;
}

/** One process of the house, as data: tests run houses of other services. */
export interface ServiceSpec {
  readonly name: string;
  /** The file that Node runs. */
  readonly script: string;
  /** Has a database of its own, and users of the bus and of Redis. */
  readonly hasStores: boolean;
  /** Of which service it is one more process, with the same stores. */
  readonly replicaOf?: string;
  /** Listens on the port that people use. */
  readonly isFront?: boolean;
  env?(plan: HousePlan): Readonly<Record<string, string>>;
}

const service = (name: string, env?: ServiceSpec['env']): ServiceSpec => ({
  name,
  script: join(PROJECT, 'apps', name, 'bundle', 'main.js'),
  hasStores: true,
  ...(env && { env }),
});

// On one machine jobs may run as processes of it; everywhere else the configuration decides.
const LOCAL_JOBS = { LINECLEAR_LOCAL_PROVIDER: 'true' };

const STORED: readonly ServiceSpec[] = [
  service('auth', ({ home }) => ({
    LINECLEAR_AUTH_KEY_FILE: join(home, 'auth.key'),
    LINECLEAR_AUDIT_HEADS_FILE: join(home, 'audit-heads.jsonl'),
  })),
  service('secrets', ({ home }) => ({ LINECLEAR_KEY_FILE: join(home, 'credential.key') })),
  service('approvals'),
  service('queue-scheduler', () => LOCAL_JOBS),
  service('notifier'),
  service('job-poller', ({ home }) => ({ ...LOCAL_JOBS, LINECLEAR_RUNS_DIR: join(home, 'runs') })),
];

const addressVariable = (name: string): string => `${name.toUpperCase().replaceAll('-', '_')}_URL`;

/** The six services and the gateway before them. */
export const SERVICES: readonly ServiceSpec[] = [
  ...STORED,
  {
    ...service('gateway', ({ urlOf }) =>
      Object.fromEntries(STORED.map(({ name }) => [addressVariable(name), urlOf(name)])),
    ),
    hasStores: false,
    isFront: true,
  },
];
