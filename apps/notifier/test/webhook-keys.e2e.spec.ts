import { createHmac, createPublicKey, verify } from 'node:crypto';
import { auditRecorded, jobCompleted } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, newJobId, openHouse, webhookFor, type House } from './house.js';
import type { Received } from './receiver.js';

const BASE = '/api/cloud/notifications/channels';
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

/** The next message that comes to this path. */
async function next(path: string): Promise<Received> {
  const before = house.receiver.at(path).length;
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(() => expect(house.receiver.at(path)).toHaveLength(before + 1), PATIENT);
  return house.receiver.at(path).at(-1)!;
}

// As a receiver would that has the specification and nothing of ours.
const signed = ({ headers, body }: Received): string =>
  `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
const signaturesOf = ({ headers }: Received): string[][] =>
  String(headers['webhook-signature'])
    .split(' ')
    .map((one) => one.split(','));
const versions = (got: Received): string[] => signaturesOf(got).map(([version]) => version!);
const isSignedWith = (got: Received, secret: string): boolean => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const ours = createHmac('sha256', key).update(signed(got)).digest('base64');
  return signaturesOf(got).some(([version, given]) => version === 'v1' && given === ours);
};
const isSignedFor = (got: Received, publicKey: string): boolean => {
  const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return signaturesOf(got).some(
    ([version, given]) =>
      version === 'v1a' && verify(null, Buffer.from(signed(got)), key, Buffer.from(given!, 'base64')),
  );
};

it('signs with a private key that is kept and never shown, and shows the public one', async () => {
  const { id, secret } = await webhookFor(house, '/public', 'job.completed', {}, { signature: 'ed25519' });
  const { body } = await house.admin.get(`${BASE}/${id}`);
  expect(body).toMatchObject({ signature: 'ed25519', webhook_public_key: expect.stringMatching(/^whpk_/) });
  const got = await next('/public');
  expect(versions(got)).toEqual(['v1', 'v1a']);
  expect([isSignedWith(got, secret), isSignedFor(got, body.webhook_public_key)]).toEqual([true, true]);
  expect(got.headers['x-lineclear-signature']).toMatch(/^sha256=/);

  const kept = [...house.secrets.values].find(([name]) => name.includes('private_key'))!;
  expect(kept[1]).toMatch(/^whsk_/);
  const tables = await house.service.database.query<{ line: string }>(
    `select c::text as line from channel c union all select o::text from outbox o`,
  );
  expect(JSON.stringify([tables, body])).not.toContain(kept[1].slice(5, 40));
  expect((await house.admin.delete(`${BASE}/${id}`)).status).toBe(204);
  expect([...house.secrets.values.keys()].filter((name) => name.startsWith(`channel.${id}.`))).toEqual([]);
});

it('signs with both secrets until the old one ends, and forgets that', async () => {
  const { id, secret: old } = await webhookFor(house, '/rotated', 'job.completed');
  const { status, body } = await house.admin.post(`${BASE}/${id}/rotate-secret`, { signature: 'ed25519' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ webhook_secret: expect.stringMatching(/^whsec_/), signature: 'ed25519' });
  const hours = (Date.parse(body.previous_secret_until) - house.clock.now().getTime()) / 3_600_000;
  expect(Math.round(hours)).toBe(24);
  const both = await next('/rotated');
  expect(versions(both)).toEqual(['v1', 'v1a', 'v1']);
  expect([isSignedWith(both, old), isSignedWith(both, body.webhook_secret)]).toEqual([true, true]);
  expect(isSignedFor(both, body.webhook_public_key)).toBe(true);

  // The second would end the first before its time.
  expect((await house.admin.post(`${BASE}/${id}/rotate-secret`)).status).toBe(409);
  house.clock.advanceHours(25);
  const one = await next('/rotated');
  expect(versions(one)).toEqual(['v1', 'v1a']);
  expect([isSignedWith(one, old), isSignedWith(one, body.webhook_secret)]).toEqual([false, true]);
  expect((await house.admin.get(`${BASE}/${id}`)).body).not.toHaveProperty('previous_secret_until');
  expect([...house.secrets.values.values()]).toContain(old);
  await house.restart();
  await vi.waitFor(() => expect([...house.secrets.values.values()]).not.toContain(old), PATIENT);
  expect(isSignedWith(await next('/rotated'), body.webhook_secret)).toBe(true);
});

it('ends a secret at once that got into wrong hands', async () => {
  const { id, secret: first } = await webhookFor(house, '/leaked', 'job.completed');
  const given = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  const second = await house.admin.post(`${BASE}/${id}/rotate-secret`, {
    webhook_secret: given,
    overlap_hours: 1,
  });
  expect(second.body).not.toHaveProperty('webhook_secret');
  const third = (await house.admin.post(`${BASE}/${id}/rotate-secret`, { overlap_hours: 0 })).body;
  const got = await next('/leaked');
  expect([first, given, third.webhook_secret].map((secret) => isSignedWith(got, secret))).toEqual([
    false,
    false,
    true,
  ]);
  await vi.waitFor(() => {
    const entries = house.peer.events(auditRecorded).map(({ data }) => data);
    expect(entries.filter(({ target }) => target === `channel/${id}`)).toContainEqual(
      expect.objectContaining({
        action: 'channel.secret_rotated',
        details: { overlap_hours: 0, signature: 'hmac' },
      }),
    );
  }, PATIENT);
});

it('leaves everything as it was when the new keys cannot be kept, or another rotation is faster', async () => {
  const { id, secret } = await webhookFor(house, '/kept', 'job.completed');
  house.secrets.down();
  expect((await house.admin.post(`${BASE}/${id}/rotate-secret`)).status).toBe(503);
  house.secrets.up();
  expect(isSignedWith(await next('/kept'), secret)).toBe(true);
  const both = await Promise.all([1, 2].map(() => house.admin.post(`${BASE}/${id}/rotate-secret`)));
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  const winner = both.find(({ status }) => status === 200)!.body.webhook_secret;
  expect(isSignedWith(await next('/kept'), winner)).toBe(true);
  const kept = [...house.secrets.values.keys()].filter((name) => name.startsWith(`channel.${id}.`));
  expect(kept).toHaveLength(2);
});

it('refuses bad input', async () => {
  const { id } = await webhookFor(house, '/refusing', 'job.failed');
  const path = `${BASE}/${id}/rotate-secret`;
  await refusesBadInput(house.admin.post, path, {}, [
    ['overlap_hours', { overlap_hours: -1 }],
    ['overlap_hours', { overlap_hours: 169 }],
    ['overlap_hours', { overlap_hours: '24' }],
    ['webhook_secret', { webhook_secret: 'whsec_c2hvcnQ=' }],
    ['signature', { signature: 'rsa' }],
  ]);
  const hook = { channel_type: 'webhook', name: 'x', webhook_url: house.receiver.url };
  expectProblem(await house.admin.post(BASE, { ...hook, signature: 'rsa' }), 'new', 'signature');
  const mail = { channel_type: 'email', name: 'm', smtp_host: '127.0.0.1', smtp_port: 2525 };
  const { body } = await house.admin.post(BASE, mail);
  expectProblem(await house.admin.post(`${BASE}/${body.id}/rotate-secret`), 'mail', 'id');
  expect((await house.admin.post(`${BASE}/999999/rotate-secret`)).status).toBe(404);
});
