import { resolveSecrets } from '@lineclear/contracts';
import { Clock, SealingKey, startService, type RunningService } from '@lineclear/kit';
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

/** The time, plus what a test lets pass. */
class PassingClock extends Clock {
  laterMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.laterMs);
  }
  pass(seconds: number): void {
    this.laterMs += seconds * 1_000;
  }
}

/** The secrets service on real servers, and who uses it. */
export interface SecretsHouse {
  readonly backends: Backends;
  readonly service: RunningService;
  readonly peer: Peer;
  readonly clock: PassingClock;
  readonly env: Readonly<Record<string, string>>;
  readonly admin: Client;
  readonly adminToken: string;
  readonly ada: Client;
  readonly folk: People;
  /** A client with the key of somebody new. */
  as(...who: Parameters<People['add']>): Client;
  /** The same, with who they are. */
  person(...who: Parameters<People['add']>): { http: Client; userId: number };
  /** What a provider's adapter gets for these names. */
  resolve(this: void, ...names: string[]): Promise<{ values?: unknown; missing: string[] }>;
  /** What one metric counts, by its labels. */
  metric(name: string): Promise<Record<string, number>>;
  /** Another replica of the same house. */
  replica(): Promise<RunningService>;
  close(): Promise<void>;
}

/** Opens a house; `extra` is its environment, by its folder where that matters. */
export async function openHouse(
  extra: Record<string, string> | ((dir: string) => Record<string, string>) = {},
  more: Omit<NonNullable<Parameters<typeof define>[1]>, 'clock'> = {},
): Promise<SecretsHouse> {
  const backends = await startBackends();
  const clock = new PassingClock();
  const env = await backends.envFor('secrets', {
    LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, 3).toString('base64'),
    ...(typeof extra === 'function' ? extra(backends.dir) : extra),
  });
  const running: RunningService[] = [];
  const replica = async (): Promise<RunningService> => {
    const service = await startService(define(env, { ...more, clock }));
    running.push(service);
    return service;
  };
  const service = await replica();
  const peer = await connectPeer(backends.nats.url);
  const folk = await people(peer);
  const adminToken = folk.add('admin').token;
  const admin = client(service.url, adminToken);
  return {
    backends,
    service,
    peer,
    clock,
    env,
    admin,
    adminToken,
    folk,
    as: (...who) => client(service.url, folk.add(...who).token),
    person(...who) {
      const { principal, token } = folk.add(...who);
      return { http: client(service.url, token), userId: principal.user_id };
    },
    ada: client(service.url, folk.add('researcher').token),
    async resolve(...names) {
      const key = new SealingKey();
      const { box, missing } = await peer.ask(resolveSecrets, {
        names,
        for: { purpose: 'provider', provider: 'acme' },
        public_key: key.publicKey,
      });
      return { missing, ...(box ? { values: JSON.parse(await key.open(box)) as unknown } : {}) };
    },
    async metric(name) {
      const text = String((await admin.get('/metrics')).body);
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      return Object.fromEntries(
        lines.map((line) => {
          const labels = Object.fromEntries(
            [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]),
          ) as Record<string, string>;
          return [`${labels['source']} ${labels['outcome']}`, Number(line.split(' ').at(-1))];
        }),
      );
    },
    replica,
    async close() {
      await peer.close();
      for (const one of running) await one.close();
      await backends.stop();
    },
  };
}
