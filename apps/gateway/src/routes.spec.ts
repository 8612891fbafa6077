import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROUTES, SERVICES, routeOf, router, type Route } from './routes.js';

describe('the route table', () => {
  it.each([
    ['/api/auth/login', 'auth'],
    ['/api/auth', 'auth'],
    ['/api/auth/', 'auth'],
    ['/api/users', 'auth'],
    ['/api/users/7', 'auth'],
    ['/api/users/me/credentials', 'secrets'],
    ['/api/users/7/credentials/replicate', 'secrets'],
    ['/api/users/7/credentials2', 'auth'],
    ['/api/users/credentials', 'auth'],
    ['/api/orgs/3/teams', 'auth'],
    ['/api/quotas', 'auth'],
    ['/api/audit/verify', 'auth'],
    ['/api/cloud/external-auth/oidc/start', 'auth'],
    ['/api/cloud/external-auth/submit', 'auth'],
    ['/api/secrets/wandb', 'secrets'],
    ['/api/approvals/requests/9/approve', 'approvals'],
    ['/api/queue/stats', 'queue-scheduler'],
    ['/api/cloud/replicate/submit', 'queue-scheduler'],
    ['/api/cloud/local/submit', 'queue-scheduler'],
    ['/api/cloud/jobs', 'queue-scheduler'],
    ['/api/cloud/jobs/abc/cancel', 'queue-scheduler'],
    ['/api/cloud/jobs/logs', 'queue-scheduler'],
    ['/api/cloud/jobs/abc/logs', 'job-poller'],
    ['/api/cloud/providers/replicate/discovered', 'job-poller'],
    ['/api/cloud/providers/replicate/config', 'queue-scheduler'],
    ['/api/cloud/jobs/abc/logs/stream', 'job-poller'],
    ['/api/cloud/jobs/abc/logs2', 'queue-scheduler'],
    ['/api/cloud/providers/replicate/config', 'queue-scheduler'],
    ['/api/cloud/metrics/prometheus', 'queue-scheduler'],
    ['/api/events', 'queue-scheduler'],
    ['/jobs/abc', 'queue-scheduler'],
    ['/api/webhooks/replicate', 'job-poller'],
    ['/api/cloud/notifications/channels', 'notifier'],
    ['/api/system/dead-letters/notifier/17/replay', 'notifier'],
    ['/api/system/dead-letters/queue-scheduler', 'queue-scheduler'],
  ])('%s is answered by %s', (path, service) => {
    expect(routeOf(path)?.service).toBe(service);
  });

  it.each([
    '/',
    '/api',
    '/api/users2',
    '/api/authx/login',
    '/API/auth',
    '/jobs2',
    '/api/cloud',
    '/api/cloud/replicate',
    '/api/cloud/submit',
    '/api/cloud/health',
    '/api/docs',
    '/api/system/dead-letters',
    '/api/system/dead-letters/gateway',
    '/health',
    '/openapi.json',
    '/metrics',
    '/x/api/auth',
  ])('%s is nobody’s', (path) => {
    expect(routeOf(path)).toBeUndefined();
  });

  it('streams events, logs and waits for tasks, and nothing else', () => {
    expect(ROUTES.filter(({ streams }) => streams).map(({ pattern }) => pattern)).toEqual([
      '/api/events',
      '/api/cloud/jobs/{id}/logs',
      '/api/workers/take',
    ]);
  });

  it('refuses a table that names a pattern twice', () => {
    const twice = ROUTES.slice(0, 1);
    expect(() => router([...twice, ...twice])).toThrow('/api/auth is in the table twice');
  });
});

/** The rule said in the plainest way: of the patterns that fit, the one that is literal first where they differ, else the longer. */
function slowly(routes: readonly Route[], path: string): Route | undefined {
  const given = path.slice(1).split('/');
  const fits = routes.filter(({ pattern }) =>
    pattern
      .slice(1)
      .split('/')
      .every((part, i) => (part.startsWith('{') ? Boolean(given[i]) : part === given[i])),
  );
  const key = ({ pattern }: Route) =>
    pattern
      .slice(1)
      .replace(/\{[^}]*\}/g, '~')
      .split('/')
      .map((part) => (part === '~' ? '1' : '2'))
      .join('');
  return fits.sort((a, b) => (key(a) > key(b) ? -1 : 1))[0];
}

const words = [...new Set(ROUTES.flatMap(({ pattern }) => pattern.slice(1).split('/')))].filter(
  (w) => !w.startsWith('{'),
);
const segment = fc.oneof(fc.constantFrom(...words), fc.constantFrom('a', '7', 'me'));
const paths = fc.array(segment, { minLength: 1, maxLength: 7 }).map((parts) => `/${parts.join('/')}`);

describe('the router', () => {
  it('agrees with a plain search of the table, in whatever order the table is', () => {
    fc.assert(
      fc.property(paths, fc.shuffledSubarray([...ROUTES], { minLength: ROUTES.length }), (path, routes) => {
        expect(router(routes)(path)?.pattern).toBe(slowly(ROUTES, path)?.pattern);
      }),
    );
  });

  it('gives each service something to do', () => {
    expect(new Set(ROUTES.map(({ service }) => service))).toEqual(new Set(SERVICES));
  });
});
