import { expect, it } from 'vitest';
import { verdictOn } from './worker-task.js';

const at = new Date('2026-01-01');

it.each([
  [{ state: 'running', leaseId: 'a', stopAskedAt: null }, 'goes on'],
  [{ state: 'taken', leaseId: 'a', stopAskedAt: null }, 'goes on'],
  [{ state: 'running', leaseId: 'a', stopAskedAt: at }, 'stop'],
  [{ state: 'running', leaseId: 'b', stopAskedAt: null }, 'is not yours'],
  [{ state: 'waiting', leaseId: null, stopAskedAt: null }, 'is not yours'],
  [{ state: 'lost', leaseId: 'a', stopAskedAt: null }, 'is not yours'],
  [{ state: 'cancelled', leaseId: 'a', stopAskedAt: at }, 'is not yours'],
  [undefined, 'is not yours'],
] as const)('who shows the lease a of %j is told: %s', (task, expected) => {
  expect(verdictOn(task, 'a')).toBe(expected);
});
