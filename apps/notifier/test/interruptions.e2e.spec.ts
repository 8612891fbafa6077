import { approvalRequired, jobCompleted, providerError, resolveSecrets } from '@lineclear/contracts';
import { Refused } from '@lineclear/kit';
import { Worker } from 'bullmq';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { DeliverProcessor } from '../src/jobs/deliver.processor.js';
import { DELIVER } from '../src/jobs/delivery-queue.js';
import { aboutJob, completed, historyOf, newJobId, openHouse, webhookFor, type House } from './house.js';

const PATIENT = { timeout: 25_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

it('delivers what Redis forgot, was given to a process that died, or was sent while it stopped', async () => {
  const required = () => ({
    ...aboutJob(newJobId()),
    approval_id: crypto.randomUUID(),
    rule_id: 1,
    rule_name: 'dear',
    reason: 'dear',
    required_level: 'lead' as const,
    expires_at: '2026-01-02T00:00:00.000Z',
    hardware: 'gpu',
    estimated_cost_usd: 9,
  });
  const { id } = await webhookFor(house, '/stubborn', 'approval.required');
  const tell = async (): Promise<string> => {
    const before = (await historyOf(house, id)).length;
    await house.peer.publish(approvalRequired, required());
    await vi.waitFor(async () => expect(await historyOf(house, id)).toHaveLength(before + 1), PATIENT);
    return String((await historyOf(house, id))[0]!['id']);
  };
  const sent = (delivery: string): Promise<void> =>
    vi.waitFor(
      async () =>
        expect((await historyOf(house, id)).find((one) => one['id'] === delivery)).toMatchObject({
          status: 'sent',
        }),
      PATIENT,
    );

  // Stopped while the receiver thinks: cut off, and sent after the start.
  house.receiver.answer(
    '/stubborn',
    (response, call) => void (call === 1 ? undefined : response.writeHead(200).end()),
  );
  const cutOff = await tell();
  await vi.waitFor(() => expect(house.receiver.at('/stubborn')).toHaveLength(1), PATIENT);
  await house.restart();
  await sent(cutOff);
  const ids = house.receiver.at('/stubborn').map((one) => one.headers['webhook-id']);
  expect(ids).toEqual([cutOff, cutOff]);

  // Redis loses everything right after the commit: as if it had never been added.
  house.secrets.down();
  await house.restart();
  const forgotten = await tell();
  await house.flushRedis();
  house.secrets.up();
  await sent(forgotten);

  // The process that was sending died: its lease has run out.
  const database = house.service.database;
  await database.query(
    `with claimed as (
       insert into claim (delivery_id, channel_id, holder, held_until, attempt)
       values ($1, $2, gen_random_uuid(), now() - interval '1 second', 2))
     update delivery set state = 'pending', next_attempt_at = now(), finished_at = null where id = $1`,
    [forgotten, id],
  );
  await sent(forgotten);
  // The attempt that it died over counts.
  const [last] = (await historyOf(house, id)).filter((one) => one['id'] === forgotten);
  expect(last).toMatchObject({ attempts: [{ number: 1 }, { number: 3 }] });
  expect(
    house.receiver.at('/stubborn').filter((one) => one.headers['webhook-id'] === forgotten),
  ).toHaveLength(2);
});

it('sends through a channel whose step in the queue a process died over', async () => {
  const { id } = await webhookFor(house, '/left', 'job.completed');
  const { worker } = house.service.app.get(DeliverProcessor);
  await worker.pause();
  await house.peer.publish(jobCompleted, completed(newJobId()));

  // As another replica does, with the same settings; and it is gone before it can say that it has done it.
  const dying = new Worker(DELIVER, null, { ...worker.opts, autorun: false });
  await vi.waitFor(
    async () =>
      expect(await dying.getNextJob('dying', { block: false })).toMatchObject({ data: { channelId: id } }),
    PATIENT,
  );
  await dying.close(true);

  await worker.resume();
  await vi.waitFor(
    async () => expect(await historyOf(house, id)).toMatchObject([{ status: 'sent' }]),
    PATIENT,
  );
});

it('waits for the secrets service and counts no attempt meanwhile', async () => {
  const { id } = await webhookFor(house, '/waiting', 'system.provider_error');
  house.secrets.down();
  await house.peer.publish(providerError, { provider: 'local', message: 'on fire' });
  await vi.waitFor(
    async () =>
      expect((await historyOf(house, id))[0]).toMatchObject({
        status: 'pending',
        attempts: [],
        error: expect.stringContaining('secrets'),
      }),
    PATIENT,
  );
  house.secrets.up();
  await vi.waitFor(
    async () =>
      expect(await historyOf(house, id)).toMatchObject([{ status: 'sent', attempts: [{ number: 1 }] }]),
    PATIENT,
  );
});

it('gives up what it is refused the secret for, and says why', async () => {
  const { id } = await webhookFor(house, '/refused', 'system.provider_error');
  const why = 'had to be changed by 2026-01-01T00:00:00.000Z: set a new value';
  house.peer.answer(resolveSecrets, () => {
    throw new Refused('secret_not_rotated', why);
  });
  await house.peer.publish(providerError, { provider: 'local', message: 'still on fire' });
  await vi.waitFor(
    async () =>
      expect((await historyOf(house, id))[0]).toMatchObject({
        status: 'failed',
        attempts: [1, 2, 3, 4].map((number) => ({ number, error: expect.stringContaining(why) })),
      }),
    PATIENT,
  );
  const test = await house.admin.post(`/api/cloud/notifications/channels/${id}/test`);
  expect(test.body).toMatchObject({ success: false, error: expect.stringContaining(why) });
  expect(house.receiver.at('/refused')).toHaveLength(0);
  house.secrets.up();
});

it('takes events while Redis is away, and sends when it is back', async () => {
  const { id } = await webhookFor(house, '/patient', 'job.completed');
  await house.backends.redis.stop();
  for (let n = 0; n < 20; n += 1) await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await historyOf(house, id)).toHaveLength(20), PATIENT);
  const health = await house.as(undefined).get('/health/ready');
  expect(health).toMatchObject({ status: 200 });
  expect(health.body.components).toContainEqual(
    expect.objectContaining({ name: 'redis', status: 'degraded' }),
  );
  await house.backends.redis.start();
  await vi.waitFor(
    async () => expect((await historyOf(house, id)).every((one) => one['status'] === 'sent')).toBe(true),
    PATIENT,
  );
  expect(new Set(house.receiver.at('/patient').map((one) => one.headers['webhook-id'])).size).toBe(20);
});

it('stops in time without Redis, and goes on after its start', async () => {
  const { id } = await webhookFor(house, '/restarted', 'job.completed');
  await house.backends.redis.stop();
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await historyOf(house, id)).toHaveLength(1), PATIENT);
  await house.service.close();
  await house.backends.redis.start();
  await house.boot();
  await vi.waitFor(
    async () => expect(await historyOf(house, id)).toMatchObject([{ status: 'sent' }]),
    PATIENT,
  );
});
