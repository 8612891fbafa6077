import { setTimeout as delay } from 'node:timers/promises';
import type { House } from '@lineclear/launcher';
import type { FakeProvider } from '@lineclear/testkit';
import { Redis } from 'ioredis';
import type { KeptWorker } from './machine.js';

type Act =
  | { readonly does: 'kill'; readonly process: string }
  | { readonly does: 'flush Redis' | 'stop NATS' | 'restart Postgres' };

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every process is killed once, then any again and again; somewhere in between Redis is emptied twice, NATS and Postgres go once. */
function planOf(processes: readonly string[], kills: number, random: () => number): Act[] {
  const any = (): string => processes[Math.floor(random() * processes.length)]!;
  const first = processes
    .map((process) => [random(), process] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, process]) => process);
  const acts: Act[] = Array.from({ length: Math.max(kills, processes.length) }, (_, n) => ({
    does: 'kill',
    process: first[n] ?? any(),
  }));
  for (const does of ['flush Redis', 'flush Redis', 'stop NATS', 'restart Postgres'] as const)
    acts.splice(1 + Math.floor(random() * acts.length), 0, { does });
  return acts;
}

export interface Wreck {
  readonly kills: number;
  readonly natsAwayMs: number;
  readonly random: () => number;
  /** Killed as the processes of the house are. */
  readonly workers: Readonly<Record<string, KeptWorker>>;
}

/** Wrecks what it can, one act after the other; answers how many processes it killed. */
export async function wreck(
  house: House,
  provider: FakeProvider,
  { kills, natsAwayMs, random, workers }: Wreck,
): Promise<number> {
  let killed = 0;
  const kill = (name: string): void => {
    const process = house.services[name];
    if (process?.pid === 0) return;
    if (process) process.kill('SIGKILL');
    else workers[name]!.kill();
    killed += 1;
  };
  const redis = new Redis(house.servers.redis.url);
  redis.on('error', () => undefined);
  for (const act of planOf(Object.keys({ ...house.services, ...workers }), kills, random)) {
    switch (act.does) {
      case 'kill':
        kill(act.process);
        provider.failNext('submit', 3, 'lose the answer');
        provider.failNext('status', 2, { status: 503, retryAfterSeconds: 1 });
        break;
      case 'flush Redis':
        await redis.flushall();
        break;
      case 'stop NATS':
        await house.servers.nats.stop();
        // Whoever starts now finds no NATS.
        kill('queue-scheduler-2');
        kill('job-poller');
        await delay(natsAwayMs);
        await house.servers.nats.start();
        break;
      case 'restart Postgres':
        await house.servers.postgres.stop();
        await house.servers.postgres.start();
    }
    await delay(800 + random() * 1_600);
  }
  redis.disconnect();
  return killed;
}
