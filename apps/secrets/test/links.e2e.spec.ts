import { auditRecorded } from '@lineclear/contracts';
import { client, refusesBadInput } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;

beforeAll(async () => {
  house = await openHouse({ PUBLIC_URL: 'https://line.example.test' });
  await house.ada.post('/api/secrets', { name: 'HANDED', value: 'first', scope: 'user' });
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const make = async (more: object = {}) =>
  (await house.ada.post('/api/secrets/HANDED/links', { scope: 'user', ...more })).body;
const tokenOf = ({ url }: { url: string }): string => new URL(url).hash.slice(1);
const open = (token: string, url = house.service.url) =>
  client(url).post('/api/secrets/-/links/open', { token });
const links = async () => (await house.ada.get('/api/secrets/HANDED/links?scope=user')).body.links;
const told = (outcome: string) =>
  house.peer
    .events(auditRecorded)
    .map(({ data }) => data)
    .filter((data) => data.action === 'secret.link_opened' && data.outcome === outcome);

it('hands the value that was current to one of many who open it at once, on any replica', async () => {
  const link = await make();
  expect(link).toMatchObject({
    version: 1,
    url: expect.stringMatching(/^https:\/\/line\.example\.test\/api\/secrets\/-\/links#/),
  });
  await house.ada.post('/api/secrets', { name: 'HANDED', value: 'second', scope: 'user' });
  const replica = await house.replica();
  const urls = [house.service.url, replica.url];
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => open(tokenOf(link), urls[n % 2])));
  const [won, ...more] = answers.filter(({ status }) => status === 200);
  expect(more).toEqual([]);
  expect(won!.body).toEqual({ name: 'HANDED', value: 'first' });
  expect(won!.headers.get('cache-control')).toBe('no-store');
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(19);
  await replica.close();
  await vi.waitFor(() => {
    expect(told('done')).toHaveLength(1);
    // Somebody else has seen the token: that is worth knowing.
    expect(told('refused').length).toBeGreaterThan(0);
  });
  expect((await links())[0]).toMatchObject({ id: link.id, version: 1, opened_at: expect.any(String) });
});

it('keeps the token as a hash only, and lists links without it', async () => {
  const token = tokenOf(await make());
  const rows = await house.service.database.query('select * from secret_links');
  expect(JSON.stringify([rows, await links()])).not.toContain(token);
});

it('shows a page that opens nothing by being looked at', async () => {
  const token = tokenOf(await make());
  const page = await fetch(`${house.service.url}/api/secrets/-/links`);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'sha256-/);
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  expect(await page.text()).toContain('links/open');
  expect((await open(token)).status).toBe(200);
});

it('ends, is taken back, and goes with its secret', async () => {
  const [ended, revoked, kept] = [await make({ expires_in_seconds: 60 }), await make(), await make()];
  house.clock.pass(61);
  expect((await open(tokenOf(ended))).status).toBe(404);
  house.clock.laterMs = 0;
  const take = () => house.ada.delete(`/api/secrets/HANDED/links/${revoked.id}?scope=user`);
  expect((await take()).status).toBe(204);
  expect((await take()).status).toBe(409);
  expect((await open(tokenOf(revoked))).status).toBe(404);
  await house.ada.delete('/api/secrets/HANDED?scope=user');
  expect((await open(tokenOf(kept))).status).toBe(404);
  await house.ada.post('/api/secrets/HANDED/undelete', { scope: 'user' });
  expect((await open(tokenOf(kept))).status).toBe(200);
});

it('is made for a secret by who may set it, and opened from no other site', async () => {
  const others = [house.as('researcher'), house.admin];
  for (const http of others)
    expect((await http.post('/api/secrets/HANDED/links', { scope: 'user' })).status).toBe(404);
  expect((await house.ada.post('/api/secrets/HANDED/links', {})).status).toBe(403);
  const token = tokenOf(await make());
  const elsewhere = await client(house.service.url).post(
    '/api/secrets/-/links/open',
    { token },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  );
  expect(elsewhere.status).toBe(403);
  expect((await open(token)).status).toBe(200);
});

it('refuses what is wrong, and names the field', async () => {
  await refusesBadInput(house.ada.post, '/api/secrets/HANDED/links', { scope: 'user' }, [
    ['expires_in_seconds', { scope: 'user', expires_in_seconds: 59 }],
    ['expires_in_seconds', { scope: 'user', expires_in_seconds: 2_592_001 }],
  ]);
  await refusesBadInput(
    client(house.service.url).post,
    '/api/secrets/-/links/open',
    { token: 'x'.repeat(43) },
    [
      ['token', { token: 'short' }],
      ['token', { token: `${'x'.repeat(42)} ` }],
    ],
  );
});
