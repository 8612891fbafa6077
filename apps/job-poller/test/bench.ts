import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  jobCancelRequested,
  jobClaimed,
  providerError,
  resolveSecrets,
  runEnded,
  runObserved,
  runStarted,
  type EventData,
  type EventOf,
  type RequestOf,
} from '@lineclear/contracts';
import { sealTo, startService, type RunningService } from '@lineclear/kit';
import {
  connectPeer,
  fakeProviderConfig,
  startBackends,
  startFakeProvider,
  type Backends,
  type FakeProvider,
  type Peer,
} from '@lineclear/testkit';
import { expect, vi } from 'vitest';
import { define } from '../src/app.module.js';
import type { Adapter } from '../src/adapters/adapter.js';
import { runKeyOf } from '../src/domain/run.js';

export type Claim = EventData<typeof jobClaimed>;
type For = RequestOf<typeof resolveSecrets>['for'];

/** A job-poller with what it needs around it: real servers, a provider, and the rest of the house as one peer. */
export interface Bench {
  readonly backends: Backends;
  readonly peer: Peer;
  readonly provider: FakeProvider;
  readonly env: Record<string, string>;
  service: RunningService;
  /** Ends this process's service and starts it again over the same database. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  claim(more?: Partial<Claim>): Promise<Claim>;
  cancel(claim: Claim): Promise<void>;
  started(claim: Claim): EventOf<typeof runStarted>['data'][];
  observed(claim: Claim): EventOf<typeof runObserved>['data'][];
  ended(claim: Claim): EventOf<typeof runEnded>['data'][];
  errors(): EventOf<typeof providerError>['data'][];
  /** Waits for the run to be over. */
  end(claim: Claim): Promise<EventOf<typeof runEnded>['data']>;
  row(claim: Claim): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export const keyOf = (claim: Claim): string => runKeyOf(claim.job_id, claim.attempt);
/** A call that begins later than half of it is made anew: with less a busy machine does nothing else. */
export const LEASE_SECONDS = 2;
export const PATIENCE = { timeout: 20_000, interval: 20 };

const cloud = (url: string, more: object = {}): object =>
  fakeProviderConfig(url, {
    submit: {
      method: 'POST',
      path: '/runs',
      body: {
        key: '{run_key}',
        config: '{config}',
        env: '{env}',
        kind: 'on {hardware}',
        limit: '{max_runtime_seconds}',
      },
      external_id: '/id',
    },
    poll_interval_seconds: 0.05,
    hardware: { gpu: { cost_per_hour_usd: 4 } },
    ...more,
  });

/** Opens a bench, with more providers if wanted. The provider `cloud` is the fake one, `keyed` the same with a credential, `away` answers nobody, `files` takes secrets in files; to `fleet` and `other-fleet` workers come. */
export async function openBench(
  extra: Record<string, string> = {},
  adapters: () => readonly Adapter[] = () => [],
): Promise<Bench> {
  const backends = await startBackends();
  const provider = await startFakeProvider({ finish: 'never' });
  const config = join(backends.dir, 'lineclear.yaml');
  mkdirSync(backends.dir, { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      providers: {
        cloud: cloud(provider.url),
        keyed: cloud(provider.url, { auth: { secret: 'CLOUD_TOKEN' } }),
        away: cloud('http://127.0.0.1:9'),
        fleet: { type: 'agents' },
        'other-fleet': { type: 'agents' },
        files: fakeProviderConfig(provider.url, {
          submit: {
            method: 'POST',
            path: '/runs',
            body: { key: '{run_key}', env: '{env}', mounts: '{files}' },
            external_id: '/id',
          },
          poll_interval_seconds: 0.05,
        }),
      },
    }),
  );
  const env = await backends.envFor('job-poller', {
    LINECLEAR_CONFIG: config,
    LINECLEAR_LOCAL_PROVIDER: 'true',
    LINECLEAR_RUNS_DIR: join(backends.dir, 'runs'),
    LINECLEAR_STOP_GRACE_SECONDS: '1',
    LINECLEAR_PROVIDER_TIMEOUT_SECONDS: '1',
    LINECLEAR_SUBMIT_SETTLE_SECONDS: '3',
    LINECLEAR_LOST_AFTER_SECONDS: '0.2',
    LINECLEAR_LEASE_SECONDS: String(LEASE_SECONDS),
    PATH: process.env['PATH'] ?? '',
    ...extra,
  });
  const service = await startService(define(env, { adapters: adapters() }));
  const peer = await connectPeer(backends.nats.url);
  const of = <T extends { job_id?: string; attempt?: number }>(events: { data: T }[], claim: Claim): T[] =>
    events
      .map(({ data }) => data)
      .filter((data) => data.job_id === claim.job_id && data.attempt === claim.attempt);

  const bench: Bench = {
    backends,
    peer,
    provider,
    env,
    service,
    async restart(meanwhile) {
      await bench.service.close();
      await meanwhile?.();
      bench.service = await startService(define(env, { adapters: adapters() }));
    },
    async claim(more = {}) {
      const data = claimOf(more);
      await peer.publish(jobClaimed, data, { about: `job/${data.job_id}` });
      return data;
    },
    async cancel({ job_id, attempt, claim_id }) {
      await peer.publish(jobCancelRequested, { job_id, attempt, claim_id });
    },
    started: (claim) => of(peer.events(runStarted), claim),
    observed: (claim) => of(peer.events(runObserved), claim),
    ended: (claim) => of(peer.events(runEnded), claim),
    errors: () => peer.events(providerError).map(({ data }) => data),
    async end(claim) {
      await vi
        .waitFor(() => expect(bench.ended(claim)).toHaveLength(1), PATIENCE)
        .catch(async (cause: unknown) => {
          throw new Error(`it did not end: ${JSON.stringify(await bench.row(claim))}`, { cause });
        });
      return bench.ended(claim)[0]!;
    },
    async row({ job_id, attempt }) {
      const [row] = await bench.service.database.query<Record<string, unknown>>(
        'select * from runs where job_id = $1 and attempt = $2',
        [job_id, attempt],
      );
      expect(row, job_id).toBeDefined();
      return row!;
    },
    async stop() {
      await peer.close();
      await bench.service.close();
      await provider.close();
      await backends.stop();
    },
  };
  return bench;
}

export const claimOf = (more: Partial<Claim> = {}): Claim => ({
  job_id: `job_${randomBytes(16).toString('hex')}`,
  user_id: 1,
  username: 'ada',
  provider: 'cloud',
  config_name: 'tiny',
  level: 'researcher',
  attempt: 1,
  claim_id: randomUUID(),
  hardware: 'gpu',
  config: { epochs: 3 },
  secrets: [],
  ...more,
});

/** The secrets service, with these values. */
export function answerSecrets(
  peer: Peer,
  values: Readonly<Record<string, string>>,
): { asked: { names: readonly string[]; purpose: string }[]; behalf: For[] } {
  const asked: { names: readonly string[]; purpose: string }[] = [];
  const behalf: For[] = [];
  peer.answer(resolveSecrets, async ({ names, public_key, for: on }) => {
    asked.push({ names, purpose: on.purpose });
    behalf.push(on);
    const missing = names.filter((name) => !(name in values));
    if (missing.length > 0) return { missing };
    return {
      missing,
      box: await sealTo(
        public_key,
        JSON.stringify(Object.fromEntries(names.map((name) => [name, values[name]]))),
      ),
    };
  });
  return { asked, behalf };
}
