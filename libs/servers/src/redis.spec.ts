import { existsSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { randomPassword, startRedis } from './redis.js';
import { makeScratchFolder } from './unprivileged.js';
import type { Server } from './server.js';

const base = makeScratchFolder('redis-test');
const opened: Server[] = [];
const open = async (...args: Parameters<typeof startRedis>): Promise<Server> => {
  const server = await startRedis(...args);
  opened.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()));
  rmSync(base, { recursive: true, force: true });
});

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

it('starts the best Redis that can be had, fit for BullMQ', async () => {
  const server = await open({ dir: join(base, 'best'), durable: false });
  expect(await withRedis(server.url, (redis) => redis.config('GET', 'maxmemory-policy'))).toEqual([
    'maxmemory-policy',
    'noeviction',
  ]);
});

it('keeps what was written over a stop and over a kill', async () => {
  const server = await open({ dir: join(base, 'kept'), password: randomPassword() });
  await withRedis(server.url, (redis) => redis.set('a', '1'));
  await server.stop();
  await server.start();
  await withRedis(server.url, (redis) => redis.set('b', '2'));
  await server.kill();
  expect(server.pid).toBe(0);
  await server.start();
  expect(await withRedis(server.url, (redis) => redis.mget('a', 'b'))).toEqual(['1', '2']);
});

it('wants the password when there is one', async () => {
  const server = await open({ dir: join(base, 'password'), password: randomPassword(), durable: false });
  await expect(withRedis(`redis://127.0.0.1:${server.port}`, (redis) => redis.get('a'))).rejects.toThrow(
    'NOAUTH',
  );
  await expect(startRedis({ dir: join(base, 'bad'), password: 'with a blank' })).rejects.toThrow(
    'letters and digits',
  );
});

describe.runIf(existsSync('/usr/bin/apt-get'))('on a system with apt', () => {
  it('unpacks the package of the distribution without installing it', async () => {
    const server = await open({ dir: join(base, 'deb'), sources: ['deb'], durable: false });
    expect(server.how).toMatch(/unpacked without root, Redis \d+\./);
    expect(
      await withRedis(server.url, (redis) => redis.eval("return cjson.encode({redis.call('PING').ok})", 0)),
    ).toBe('["PONG"]');
  });
});

describe('the last resort', () => {
  it('says what it is, asks for the password, and listens on the loopback alone', async () => {
    const server = await open({ dir: join(base, 'js'), sources: ['js'], password: randomPassword() });
    expect(server.how).toMatch(/^NOT A REAL REDIS/);
    expect(await withRedis(server.url, (redis) => redis.set('a', '1'))).toBe('OK');
    await expect(withRedis(`redis://127.0.0.1:${server.port}`, (redis) => redis.get('a'))).rejects.toThrow(
      'NOAUTH',
    );
    for (const { address } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
      if (address === '127.0.0.1' || address.startsWith('fe80')) continue;
      expect(await answersAt(address, server.port)).toBe(false);
    }
  });
});

function answersAt(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect({ host, port });
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
    socket.once('connect', () => socket.destroy());
  });
}
