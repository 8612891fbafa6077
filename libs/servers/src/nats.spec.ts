import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { allowedSources } from './config.js';
import { startNats } from './nats.js';
import { installed, isAtLeast } from './on-path.js';
import { makeScratchFolder } from './unprivileged.js';
import type { Server } from './server.js';

const base = makeScratchFolder('nats-test');
const opened: Server[] = [];
const open = async (...args: Parameters<typeof startNats>): Promise<Server> => {
  const server = await startNats(...args);
  opened.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()));
  rmSync(base, { recursive: true, force: true });
});

async function withNats<T>(
  url: string,
  work: (nc: NatsConnection) => Promise<T>,
  options: ConnectionOptions = {},
): Promise<T> {
  const { host, username, password } = new URL(url);
  const login = username === '' ? {} : { user: username, pass: password };
  const nc = await connect({ servers: host, reconnect: false, ...login, ...options });
  try {
    return await work(nc);
  } finally {
    await nc.close();
  }
}

const isInstalled = (await installed(['nats-server'])).some(({ version }) => isAtLeast(version, [2, 10]));
const sources = allowedSources().filter((source) => source === 'npm' || (source === 'path' && isInstalled));

describe.each(sources)('NATS from %s', (source) => {
  it('starts with JetStream and keeps messages over a stop and a kill', async () => {
    const server = await open({ dir: join(base, source), sources: [source] });
    await withNats(server.url, async (nc) => {
      await (await jetstreamManager(nc)).streams.add({ name: 'KEPT', subjects: ['kept.>'] });
      await jetstream(nc).publish('kept.a', 'one');
    });
    await server.stop();
    await server.start();
    await withNats(server.url, (nc) => jetstream(nc).publish('kept.a', 'two'));
    await server.kill();
    await server.start();
    const kept = await withNats(server.url, async (nc) => (await jetstreamManager(nc)).streams.info('KEPT'));
    expect(kept.state.messages).toBe(2);
    expect(kept.config.storage).toBe('file');
  });
});

it('lets in only whom its configuration names, and to their subjects', async () => {
  const authorization = `authorization { users: [ { user: "job-poller", password: "secretpassword", permissions: { publish: ["mine.>"] } } ] }`;
  const login = { user: 'job-poller', password: 'secretpassword' };
  const server = await open({ dir: join(base, 'users'), authorization, login, durable: false });
  await expect(withNats(`nats://127.0.0.1:${server.port}`, (nc) => nc.flush())).rejects.toThrow(
    /Authorization/i,
  );
  expect(server.url).toContain('job-poller:secretpassword@');
  await withNats(server.url, (nc) => nc.flush());
});

it('says what is wrong with a configuration', async () => {
  await expect(
    open({ dir: join(base, 'wrong'), authorization: 'authorization {', durable: false }),
  ).rejects.toThrow(/did not start.*Parse error/s);
});
