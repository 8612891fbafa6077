import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jobCompleted } from '@lineclear/contracts';
import { SERVICES, startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client } from '@lineclear/testkit';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok } from './furnish.js';

const EVENTS = 150;
const PATHS = ['/a', '/b', '/c'];
const AT_ONCE = 8;
/** With which message, of all that come, the notifier dies while its receiver still thinks. */
const DEADLY = [40, 130, 260];
/** An event that a dead notifier had in hand comes again a minute after it was given out, and may meet the next death then. */
const PATIENT = { timeout: (DEADLY.length + 1) * 60_000, interval: 250 };

let home: string;
let house: House;
/** How often each message came, by its id; and which ids came to each path. */
const copies = new Map<string, number>();
const heard = new Map(PATHS.map((path) => [path, new Set<string>()]));
let calls = 0;
let deaths = 0;

const receiver = createServer((request, response) => {
  const id = String(request.headers['webhook-id']);
  request.resume().on('end', () => {
    copies.set(id, (copies.get(id) ?? 0) + 1);
    heard.get(request.url!)!.add(id);
    calls += 1;
    if (DEADLY.includes(calls)) {
      deaths += 1;
      house.services['notifier']!.kill('SIGKILL');
      // What Redis knew of is gone as well.
      if (deaths === 2) void flushRedis();
    }
    response.writeHead(204).end();
  });
});

async function flushRedis(): Promise<void> {
  const redis = new Redis(house.servers.redis.url);
  await redis.flushall();
  redis.disconnect();
}

beforeAll(async () => {
  home = makeScratchFolder('webhooks-killed');
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  house = await startHouse({
    home,
    durable: false,
    services: SERVICES.filter(({ name }) => ['auth', 'secrets', 'notifier'].includes(name)),
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'warn',
      // What a dead notifier had claimed is free again after twice as long and 15 seconds.
      DELIVERY_TIMEOUT_SECONDS: '1',
    },
    print: () => undefined,
  });
  const { port } = receiver.address() as AddressInfo;
  const admin = client(house.services['notifier']!.url, house.adminKey);
  for (const path of PATHS) {
    const channel = ok(
      await admin.post('/api/cloud/notifications/channels', {
        channel_type: 'webhook',
        name: path.slice(1),
        webhook_url: `http://127.0.0.1:${port}${path}`,
        max_concurrent: AT_ONCE,
        max_per_second: 1_000,
      }),
      201,
    );
    const wish = { event_type: jobCompleted.name, channel_id: channel.id };
    ok(await admin.post('/api/cloud/notifications/preferences', wish), 201);
  }
}, 120_000);

afterAll(async () => {
  await house?.stop();
  receiver.closeAllConnections();
  receiver.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

async function tell(): Promise<void> {
  const { username, password, host } = new URL(house.servers.nats.url);
  const nats = await connect({ servers: host, user: username, pass: password });
  const stream = jetstream(nats);
  for (let n = 0; n < EVENTS; n += 1) {
    const jobId = `job_${n.toString(16).padStart(32, '0')}`;
    const at = new Date().toISOString();
    const event = {
      specversion: '1.0',
      id: randomUUID(),
      source: 'lineclear/queue-scheduler',
      type: jobCompleted.name,
      time: at,
      subject: `job/${jobId}`,
      data: {
        job_id: jobId,
        user_id: 7,
        username: 'ada',
        provider: 'fake',
        config_name: 'digits',
        attempt: 1,
        cost_usd: 1,
        started_at: at,
        ended_at: at,
      },
    };
    await stream.publish(jobCompleted.subject, JSON.stringify(event), { msgID: event.id });
  }
  await nats.close();
}

it('tells every receiver of every event, however often the notifier dies, and once more at most for each death', async () => {
  await tell();
  await vi.waitFor(() => {
    for (const ids of heard.values()) expect(ids.size).toBe(EVENTS);
  }, PATIENT);
  expect(deaths).toBe(DEADLY.length);
  // What was sent when it died and not written down comes once more, and no more than could be under way then.
  const extra = [...copies.values()].map((count) => count - 1);
  expect(Math.max(...extra)).toBeLessThanOrEqual(deaths);
  expect(extra.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(deaths * PATHS.length * AT_ONCE);
  const admin = client(house.services['notifier']!.url, house.adminKey);
  await vi.waitFor(async () => {
    const { total } = ok(await admin.get('/api/cloud/notifications/deliveries?status=sent&limit=1'));
    expect(total).toBe(EVENTS * PATHS.length);
  }, PATIENT);
}, 300_000);
