import { expect, it } from 'vitest';
import { overall, type Status } from './health.js';

const house = (changed: Record<string, Status>) =>
  ['auth', 'secrets', 'approvals', 'queue-scheduler', 'notifier', 'job-poller'].map((name) => ({
    name,
    status: changed[name] ?? ('healthy' as const),
  }));

it.each<[string, Record<string, Status>, Status]>([
  ['all is well', {}, 'healthy'],
  ['a service limps', { secrets: 'degraded' }, 'degraded'],
  ['an essential service limps', { auth: 'degraded' }, 'degraded'],
  ['a service that only delays is down', { notifier: 'unhealthy' }, 'degraded'],
  ['nobody can be let in', { auth: 'unhealthy' }, 'unhealthy'],
  ['nothing can be submitted', { 'queue-scheduler': 'unhealthy', notifier: 'degraded' }, 'unhealthy'],
])('when %s', (_, changed, status) => {
  expect(overall(house(changed))).toBe(status);
});
