import { expect, it } from 'vitest';
import { readConfig, scheduleOf } from './config.js';
import { waitBefore } from './domain/retry.js';

const config = readConfig({
  PORT: '1',
  DATABASE_URL: 'postgres://x',
  NATS_URL: 'nats://x',
  REDIS_URL: 'redis://x',
});

it.each([
  [0, 2.5],
  [0.5, 3.1],
  [0.999, 3.7],
])('tries a webhook over three days, give or take a fifth (%d)', (random, days) => {
  const schedule = scheduleOf(config, 'webhook');
  const waits = schedule.map((_, index) => waitBefore(index + 1, schedule, random)!);
  expect(waits.reduce((sum, wait) => sum + wait, 0) / 86_400).toBeCloseTo(days, 0);
  expect(waitBefore(schedule.length + 1, schedule, random)).toBeUndefined();
});
