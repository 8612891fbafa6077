import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** As operators write it; this machine stands for their load balancer. */
const FILE = `
network:
  # Trust headers from your load balancer (e.g., AWS ALB, Nginx)
  trust_proxy_headers: true
  trusted_proxies:
    - "10.0.0.0/8"
    - "192.168.0.0/16"
    - "127.0.0.1/32"

  # Optional: Trust specific internal subnets to bypass login
  bypass_auth_for_internal: true
  internal_networks:
    - "10.10.0.0/16"  # VPN Clients

auth:
  # Always allow health checks without auth
  bypass_paths:
    - "/health"
    - "/api/cloud/health"
    - "/api/cloud/metrics/prometheus"
`;

let home: string;
let house: House;

beforeAll(async () => {
  home = makeScratchFolder('network');
  mkdirSync(home, { recursive: true });
  const config = join(home, 'lineclear.yaml');
  writeFileSync(config, FILE);
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_CONFIG: config, LINECLEAR_LOG_LEVEL: 'error' },
  });
}, 120_000);
afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** One route of each service. */
const OF_EACH = [
  '/api/auth/me',
  '/api/secrets',
  '/api/approvals/requests',
  '/api/queue',
  '/api/cloud/notifications/channels',
  '/api/cloud/jobs/job_00000000000000000000000000000000/logs',
];
const from = (...hops: readonly string[]) => ({ 'x-forwarded-for': hops.join(', ') });

it.each(['/health', '/api/cloud/health', '/api/cloud/metrics/prometheus'])(
  '%s needs no login',
  async (path) => {
    expect((await client(house.url).get(path, from('203.0.113.5'))).status).toBe(200);
  },
);

it('lets in who comes from an internal network at every service, and no outsider who says so', async () => {
  for (const path of OF_EACH) {
    const inside = await client(house.url).get(path, from('10.10.0.7'));
    expect([200, 403, 404], path).toContain(inside.status);
    for (const hops of [['203.0.113.5'], ['10.10.0.7', '203.0.113.5'], ['10.11.0.7']])
      expect((await client(house.url).get(path, from(...hops))).status, path).toBe(401);
    expect((await client(house.url, 'wrong').get(path, from('10.10.0.7'))).status, path).toBe(401);
  }
});

it('makes every answer of every service safe for browsers, and open to no other site', async () => {
  const http = client(house.url);
  const admin = client(house.url, house.adminKey);
  const origin = { origin: 'https://elsewhere.test' };
  const answers = [...OF_EACH, '/api/docs', '/api/nothing', '/api//users'].flatMap((path) => [
    http.get(path, origin),
    admin.get(path, origin),
    admin.post(`${path}/nothing`, '{', origin),
    fetch(new URL(path, house.url), {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'POST' },
    }),
  ]);
  for (const { headers, status } of await Promise.all(answers)) {
    expect(headers.get('content-security-policy'), String(status)).toMatch(
      /^default-src 'none';.*frame-ancestors 'none'$/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect([...headers.keys()].filter((name) => /^access-control-|^x-powered-by$/.test(name))).toEqual([]);
  }
});
