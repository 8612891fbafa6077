import { expect, it } from 'vitest';
import { whyByState } from './explain-states.js';
import { aJob } from './job.fixture.js';
import type { Job } from './job.js';

const NOW = new Date('2026-11-24T20:15:30Z');
const job = (id: string, more: Partial<Job> = {}): Job =>
  aJob('queued', { claimId: '01a22611-483a-7910-ae07-1542a6b5db9e', now: NOW }, { id, ...more });

it.each<[string, Partial<Job>]>([
  ['on hold', { onHold: true }],
  ['to follow others', { unmet: 1 }],
  ['to be tried again later', { notBefore: NOW }],
  ['pending_approval', { state: 'pending_approval' }],
])('says of the one that is not in the queue that it is %s', (keeps, more) => {
  const [one, other] = [job('one'), job('other', more)];
  const why = {
    reason: 'not_in_queue',
    first: one,
    text: `the other one is ${keeps}: it is not in the queue yet`,
  };
  expect(whyByState(one, other)).toEqual(why);
  expect(whyByState(other, one)).toEqual(why);
});
