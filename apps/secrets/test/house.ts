import { Clock, startService, type RunningService } from '@lineclear/kit';
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

/** The real time, and as much later as a test says. */
class LaterClock extends Clock {
  laterMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.laterMs);
  }
}

/** The secrets service on real servers. */
export interface SecretsHouse {
  readonly service: RunningService;
  readonly backends: Backends;
  readonly peer: Peer;
  readonly folk: People;
  readonly clock: LaterClock;
  readonly env: Readonly<Record<string, string>>;
  as(...who: Parameters<People['add']>): Client;
  /** Another replica, on the same database; who starts it closes it. */
  replica(): Promise<RunningService>;
  close(): Promise<void>;
}

export async function openSecretsHouse(more: Record<string, string> = {}): Promise<SecretsHouse> {
  const backends = await startBackends();
  const clock = new LaterClock();
  const env = await backends.envFor('secrets', {
    LINECLEAR_CREDENTIAL_KEY: Buffer.alloc(32, 3).toString('base64'),
    ...more,
  });
  const service = await startService(define(env, { clock }));
  const peer = await connectPeer(backends.nats.url);
  const folk = people(peer);
  return {
    service,
    backends,
    peer,
    folk,
    clock,
    env,
    as: (...who) => client(service.url, folk.add(...who).token),
    async replica() {
      const { PORT: _, ...rest } = env;
      return startService(define({ ...rest, PORT: '0' }, { clock }));
    },
    async close() {
      await peer.close();
      await service.close();
      await backends.stop();
    },
  };
}
