import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import {
  client,
  fakeProviderConfig,
  startFakeProvider,
  type Client,
  type FakeProvider,
} from '@lineclear/testkit';
import { expect, vi } from 'vitest';
import { newWebhookSecret, ok, person, receiveWebhooks } from './furnish.js';
import { endOfRun, finishOf } from './chaos-jobs.js';
import { keepWorker, makeMachine, type KeptWorker } from './machine.js';
import { openQueue, SCARCE, SCARCE_CEILING, type Queue } from './queue-tables.js';

export interface ChaosHouse {
  readonly house: House;
  readonly provider: FakeProvider;
  readonly hooks: Awaited<ReturnType<typeof receiveWebhooks>>;
  readonly admin: Client;
  readonly users: readonly { readonly user: Client; readonly level: string }[];
  readonly queue: Queue;
  readonly workers: Readonly<Record<string, KeptWorker>>;
  /** Where each job of a worker writes down each run of it. */
  readonly marks: string;
  close(): Promise<void>;
}

const REPLICATED = ['queue-scheduler', 'job-poller'];
const HOUSE_CEILING = 60;
const USER_CEILING = 12;
const TEAM_CEILING = 18;
const ORG_CEILING = 30;
/** Who submits: of which level, and of which team (the first two are of one organisation). */
const PEOPLE = [
  ['researcher', 'vision'],
  ['lead', 'vision'],
  ['researcher', 'speech'],
  ['researcher', 'speech'],
  ['researcher', 'robots'],
  ['lead', 'robots'],
  ['researcher', undefined],
  ['lead', undefined],
] as const;

/** A whole house with two queue-schedulers and two job-pollers, a provider, two workers, and people of several levels and teams under ceilings. */
export async function openChaosHouse(): Promise<ChaosHouse> {
  const home = makeScratchFolder('chaos');
  const provider = await startFakeProvider({ finish: finishOf, ends: endOfRun });
  const secret = newWebhookSecret();
  const hooks = await receiveWebhooks(secret);
  const config = join(home, 'lineclear.yaml');
  const marks = join(home, 'marks');
  mkdirSync(marks, { recursive: true });
  const hardware = { 'gpu-a100': { cost_per_hour_usd: 4 }, 'gpu-h100': { cost_per_hour_usd: 8 } };
  writeFileSync(
    config,
    JSON.stringify({
      providers: {
        fake: fakeProviderConfig(provider.url, { hardware }),
        fleet: { type: 'agents', hardware },
      },
    }),
  );
  const replicas = SERVICES.filter(({ name }) => REPLICATED.includes(name)).map((spec) => ({
    ...spec,
    name: `${spec.name}-2`,
    hasStores: false,
    replicaOf: spec.name,
  }));
  const house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    services: [...SERVICES, ...replicas],
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'warn',
      WEBHOOK_RETRY_SECONDS: '0,1,2,2,2,5,5,5',
      LINECLEAR_EVALUATION_LEASE_SECONDS: '5',
      LINECLEAR_DISPATCH_LEASE_SECONDS: '5',
      LINECLEAR_RUN_LEASE_SECONDS: '10',
      LINECLEAR_WORKER_HEARTBEAT_SECONDS: '2',
    },
    print: (from, line) => process.env['CHAOS_LOG'] && console.log(from, line),
  });
  const admin = client(house.url, house.adminKey);
  const queue = openQueue(house.services['queue-scheduler']!.databaseUrl!);
  const users = await Promise.all(PEOPLE.map(([level], n) => person(house.url, admin, `u${n}`, level)));
  const ids = await Promise.all(users.map(async (user) => ok(await user.get('/api/users/me')).id as number));
  await setCeilings(admin, ids, queue);
  await tellOfEnds(admin, hooks.url, secret);
  const workers = Object.fromEntries(
    await Promise.all(
      ['worker-1', 'worker-2'].map(async (name) => {
        const machine = await makeMachine(house.url, admin, join(home, name), name);
        return [name, keepWorker(machine)] as const;
      }),
    ),
  );
  return {
    house,
    provider,
    hooks,
    admin,
    users: users.map((user, n) => ({ user, level: PEOPLE[n]![0] })),
    queue,
    workers,
    marks,
    async close() {
      for (const worker of Object.values(workers)) await worker.close();
      await queue.close();
      await house.stop();
      await provider.close();
      await hooks.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function setCeilings(admin: Client, userIds: readonly number[], queue: Queue): Promise<void> {
  ok(
    await admin.post('/api/queue/concurrency', {
      max_concurrent: HOUSE_CEILING,
      user_max_concurrent: USER_CEILING,
    }),
  );
  const quota = (limit_value: number) => ({ quota_type: 'concurrent_jobs', limit_value, action: 'block' });
  ok(await admin.put(`/api/queue/pools/hardware/${SCARCE}`, { at_most: SCARCE_CEILING }));
  ok(await admin.put('/api/queue/policy', { preempt_after_minutes: 0, preempt_min_runtime_minutes: 0 }));
  let quotas = 0;
  for (const [slug, teams] of [
    ['perception', ['vision', 'speech']],
    ['motion', ['robots']],
  ] as const) {
    const { id: org } = ok(await admin.post('/api/orgs', { name: slug, slug }), 201).organization;
    ok(await admin.post(`/api/orgs/${org}/quotas`, quota(ORG_CEILING)), 201);
    for (const team of teams) {
      const { id } = ok(await admin.post(`/api/orgs/${org}/teams`, { name: team, slug: team }), 201).team;
      ok(await admin.post(`/api/orgs/${org}/teams/${id}/quotas`, quota(TEAM_CEILING)), 201);
      for (const [n, user_id] of userIds.entries())
        if (PEOPLE[n]?.[1] === team)
          ok(await admin.post(`/api/orgs/${org}/teams/${id}/members`, { user_id }), 201);
    }
    quotas += 1 + teams.length;
  }
  await vi.waitFor(async () => expect(await queue.quotas()).toBe(quotas));
}

async function tellOfEnds(admin: Client, webhook_url: string, webhook_secret: string): Promise<void> {
  const channel = ok(
    await admin.post('/api/cloud/notifications/channels', {
      channel_type: 'webhook',
      name: 'ci',
      webhook_url,
      webhook_secret,
    }),
    201,
  );
  const wish = { event_type: 'job.completed', channel_id: channel.id };
  ok(await admin.post('/api/cloud/notifications/preferences', wish), 201);
}
