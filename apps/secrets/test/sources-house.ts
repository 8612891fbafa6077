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
} from '@lineclear/testkit';
import { define } from '../src/app.module.js';

/** The time, plus what a test lets pass. */
export class PassingClock extends Clock {
  #aheadMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }
  pass(seconds: number): void {
    this.#aheadMs += seconds * 1_000;
  }
}

/** The secrets service with sources beside its store, and who uses it. */
export interface SourcesHouse {
  readonly backends: Backends;
  readonly service: RunningService;
  readonly peer: Peer;
  readonly clock: PassingClock;
  readonly env: Readonly<Record<string, string>>;
  readonly admin: Client;
  readonly adminToken: string;
  readonly ada: Client;
  /** What a provider's adapter gets for these names. */
  resolve(this: void, ...names: string[]): Promise<{ values?: unknown; missing: string[] }>;
  /** What one metric counts, by its labels. */
  metric(name: string): Promise<Record<string, number>>;
  /** Another replica of the same house. */
  replica(): Promise<RunningService>;
  close(): Promise<void>;
}

/** Opens a house; `extra` is its environment, given its folder. */
export async function openHouse(extra: (dir: string) => Record<string, string>): Promise<SourcesHouse> {
  const backends = await startBackends();
  const clock = new PassingClock();
  const env = await backends.envFor('secrets', {
    LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, 3).toString('base64'),
    ...extra(backends.dir),
  });
  const running: RunningService[] = [];
  const replica = async (): Promise<RunningService> => {
    const service = await startService(define(env, { clock }));
    running.push(service);
    return service;
  };
  const service = await replica();
  const peer = await connectPeer(backends.nats.url);
  const folk = people(peer);
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
    ada: client(service.url, folk.add('researcher').token),
    async resolve(...names) {
      const key = new SealingKey();
      const { box, missing } = await peer.ask(resolveSecrets, {
        names,
        for: { purpose: 'provider', provider: 'acme' },
        public_key: key.publicKey,
      });
      return { missing, ...(box ? { values: JSON.parse(key.open(box)) as unknown } : {}) };
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
