import { randomBytes } from 'node:crypto';
import {
  deleteSecret,
  mailboxOf,
  resolveSecrets,
  secretsPublicKey,
  storeSecret,
  type EventData,
  type jobSubmitted,
} from '@lineclear/contracts';
import { Clock, openRedis, SealingKey, sealTo, startService, type RunningService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  people,
  startBackends,
  type Backends,
  type Client,
  type Peer,
  type People,
} from '@lineclear/testkit';
import { define } from '../src/app.module.js';
import type { ResolveRecords } from '../src/mailbox/dmarc.js';
import { startReceiver, type Receiver } from './receiver.js';

/** The real time, moved on by a test. */
class MovableClock extends Clock {
  #aheadMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  advanceHours(hours: number): void {
    this.#aheadMs += hours * 3_600_000;
  }
}

/** What stands in for the secrets service: its contract, over real NATS. */
export interface FakeSecrets {
  readonly values: Map<string, string>;
  resolves: number;
  down(): void;
  up(): void;
}

export interface House {
  readonly backends: Backends;
  readonly env: Record<string, string>;
  readonly peer: Peer;
  readonly folk: People;
  readonly secrets: FakeSecrets;
  readonly receiver: Receiver;
  readonly clock: MovableClock;
  service: RunningService;
  admin: Client;
  as(token: string | undefined): Client;
  boot(): Promise<void>;
  /** One more replica of the service, which whoever asks for it closes. */
  another(other?: Outside): Promise<RunningService>;
  restart(): Promise<void>;
  flushRedis(): Promise<void>;
  stop(): Promise<void>;
}

function fakeSecrets(peer: Peer): FakeSecrets {
  const key = new SealingKey();
  const values = new Map<string, string>();
  const fake: FakeSecrets = {
    values,
    resolves: 0,
    down: () =>
      [resolveSecrets, storeSecret, deleteSecret, secretsPublicKey].forEach((def) => peer.stopAnswering(def)),
    up: () => {
      peer.answer(secretsPublicKey, () => ({ public_key: key.publicKey }));
      peer.answer(storeSecret, async ({ name, box }) => {
        values.set(name, await key.open(box));
        return { version: 1 + fake.values.size };
      });
      peer.answer(deleteSecret, ({ name }) => ({ deleted: values.delete(name) }));
      peer.answer(resolveSecrets, async ({ names, for: { purpose }, public_key }) => {
        fake.resolves += 1;
        const missing = purpose === 'channel' ? names.filter((name) => !values.has(name)) : names;
        if (missing.length > 0) return { missing };
        return {
          box: await sealTo(
            public_key,
            JSON.stringify(Object.fromEntries(names.map((name) => [name, values.get(name)]))),
          ),
          missing,
        };
      });
    },
  };
  fake.up();
  return fake;
}

interface Outside {
  readonly resolveRecords?: ResolveRecords;
}

/** The notifier over real Postgres, Redis and NATS, with retries that take no time worth waiting for. */
export async function openHouse(extra: Record<string, string> = {}, outside: Outside = {}): Promise<House> {
  const backends = await startBackends();
  const env = await backends.envFor('notifier', {
    LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
    WEBHOOK_RETRY_SECONDS: '0,0.1,0.1,0.1',
    MAIL_RETRY_SECONDS: '0,0.1,0.1',
    DELIVERY_TIMEOUT_SECONDS: '5',
    ...extra,
  });
  const clock = new MovableClock();
  const start = (other: Outside): Promise<RunningService> => startService(define(env, { clock, ...other }));
  const boot = () => start(outside);
  const service = await boot();
  const peer = await connectPeer(backends.nats.url);
  const folk = await people(peer);
  const { token } = folk.add('admin');
  // Nobody has an address until a test says so.
  peer.answer(mailboxOf, () => ({}));
  const receiver = await startReceiver();
  const house: House = {
    backends,
    env,
    peer,
    folk,
    secrets: fakeSecrets(peer),
    receiver,
    clock,
    service,
    admin: client(service.url, token),
    as: (other) => client(house.service.url, other),
    async boot() {
      house.service = await boot();
      house.admin = client(house.service.url, token);
    },
    another: (other = outside) => start(other),
    async restart() {
      await house.service.close();
      await house.boot();
    },
    async flushRedis() {
      const redis = openRedis(backends.redis.url, house.service.log);
      await redis.connect();
      await redis.flushall();
      redis.disconnect();
    },
    async stop() {
      await receiver.close();
      await peer.close();
      await house.service.close();
      await backends.stop();
    },
  };
  return house;
}

let jobs = 0;
/** A job nobody else asks for. */
export const newJobId = (): string =>
  `job_${(jobs += 1).toString(16).padStart(4, '0')}${randomBytes(14).toString('hex')}`;

export const aboutJob = (jobId: string) => ({
  job_id: jobId,
  user_id: 1,
  username: 'ada',
  provider: 'local',
  config_name: 'tiny',
});
export const completed = (jobId: string) => ({
  ...aboutJob(jobId),
  attempt: 1,
  cost_usd: 0.5,
  ended_at: '2026-01-01T00:00:00.000Z',
});
export const submitted = (jobId: string): EventData<typeof jobSubmitted> => {
  const cost = { hardware: 'gpu', estimated_cost_usd: 1 };
  const facts = {
    ...aboutJob(jobId),
    ...cost,
    level: 'viewer' as const,
    jobs_last_24h: 0,
    first_job: true,
  };
  return { ...aboutJob(jobId), ...cost, status: 'queued', facts };
};

/** Makes a webhook channel that gets these events. */
export async function webhookFor(
  house: House,
  path: string,
  eventType: string,
  more: object = {},
  settings: object = {},
): Promise<{ id: number; secret: string }> {
  const { body } = await house.admin.post('/api/cloud/notifications/channels', {
    channel_type: 'webhook',
    name: `hook ${path}`,
    webhook_url: `${house.receiver.url}${path}`,
    ...settings,
  });
  await house.admin.post('/api/cloud/notifications/preferences', {
    event_type: eventType,
    channel_id: body.id,
    ...more,
  });
  return { id: body.id, secret: body.webhook_secret };
}

/** An email channel that sends to this port; gives its id. */
export async function mailChannel(house: House, port: number, more: object = {}): Promise<number> {
  const { status, body } = await house.admin.post('/api/cloud/notifications/channels', {
    channel_type: 'email',
    name: 'Mail',
    smtp_host: '127.0.0.1',
    smtp_port: port,
    smtp_use_tls: false,
    smtp_from_address: 'house@lineclear.test',
    ...more,
  });
  if (status !== 201) throw new Error(`no channel: ${JSON.stringify(body)}`);
  return body.id;
}

export async function removeChannels(house: House): Promise<void> {
  const { body } = await house.admin.get('/api/cloud/notifications/channels');
  for (const { id } of body.channels as { id: number }[])
    await house.admin.delete(`/api/cloud/notifications/channels/${id}`);
}

/** The log of what went, or did not, through a channel. */
export async function historyOf(house: House, channelId: number): Promise<Record<string, unknown>[]> {
  return (await house.admin.get(`/api/cloud/notifications/history?channel_id=${channelId}`)).body.deliveries;
}
