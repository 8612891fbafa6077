import { expect, it } from 'vitest';
import { readConfig } from './config.js';

const env = {
  AUTH_URL: 'http://127.0.0.1:1001',
  SECRETS_URL: 'http://127.0.0.1:1002',
  APPROVALS_URL: 'http://127.0.0.1:1003',
  QUEUE_SCHEDULER_URL: 'http://127.0.0.1:1004/',
  NOTIFIER_URL: 'http://127.0.0.1:1005',
  JOB_POLLER_URL: 'https://poller.internal',
};

it('reads addresses and defaults', () => {
  expect(readConfig(env)).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    origins: { 'queue-scheduler': 'http://127.0.0.1:1004', 'job-poller': 'https://poller.internal' },
    publicUrl: 'http://127.0.0.1:8080',
    metricsPublic: false,
  });
});

it.each([
  ['AUTH_URL', undefined],
  ['AUTH_URL', ''],
  ['AUTH_URL', 'ftp://x'],
  ['SECRETS_URL', 'http://x/base'],
  ['SECRETS_URL', 'http://user:pw@x'],
  ['PORT', '70000'],
  ['PUBLIC_URL', 'lineclear.test'],
  ['LINECLEAR_LOG_LEVEL', 'loud'],
])('stops at %s=%s and names it', (name, value) => {
  expect(() => readConfig({ ...env, [name]: value })).toThrow(name);
});
