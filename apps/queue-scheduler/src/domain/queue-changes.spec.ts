import type { JobState } from '@lineclear/contracts';
import { expect, it } from 'vitest';
import { aJob as jobAt } from './job.fixture.js';
import type { Job } from './job.js';
import { joiningLanes, poolChanges, queueChanges } from './queue-changes.js';

const aJob = (state: JobState): Job => jobAt(state, { claimId: 'claim', now: new Date() });
const queued = aJob('queued');
const running = aJob('running');
const NOTHING = { taken: [], freed: [], left: [], joined: [], endedNow: [] };
const names = (before: Job | undefined, after: Job): string[] =>
  Object.entries(queueChanges([{ before, after }])).flatMap(([name, jobs]) =>
    jobs.length > 0 ? [name] : [],
  );

it.each<[string, Job | undefined, Job, string[]]>([
  ['a new one that is asked about first', undefined, aJob('awaiting_evaluation'), []],
  ['a new one that queues', undefined, queued, ['joined']],
  ['a new one that need not queue', undefined, aJob('dispatching'), ['taken']],
  ['a claim', queued, aJob('dispatching'), ['taken', 'left']],
  ['a start', aJob('dispatching'), running, []],
  ['an end', running, aJob('completed'), ['freed', 'endedNow']],
  ['an end in the queue', queued, aJob('cancelled'), ['left', 'endedNow']],
  ['another attempt', running, queued, ['freed', 'joined']],
  ['another attempt, later', running, { ...queued, notBefore: new Date() }, ['freed']],
  ['another band', queued, { ...queued, band: 90 }, ['left', 'joined']],
  ['a hold', queued, { ...queued, onHold: true }, ['left']],
  ['progress', running, { ...running, progress: null }, []],
])('%s', (_, before, after, expected) => expect(names(before, after)).toEqual(expected));

it('leaves a lane as it stood in it', () => {
  const [left] = queueChanges([{ before: queued, after: { ...queued, band: 90 } }]).left;
  expect(left?.band).toBe(queued.band);
  expect(queueChanges([])).toEqual(NOTHING);
});

it('puts jobs into their lanes, each with the first of them', () => {
  const jobs = [5, 3, 4].map((ord, n) => ({ ord, job: { ...queued, band: n === 2 ? 90 : 20 } }));
  expect(joiningLanes(jobs)).toMatchObject([
    { band: 20, jobs: 2, headOrd: 3 },
    { band: 90, jobs: 1, headOrd: 4 },
  ]);
});

it('counts what comes to run on which machines, and what goes', () => {
  const other = { ...running, hardware: 'h100' };
  expect(poolChanges([[running, running, other], 1], [[running], -1])).toMatchObject([
    { hardware: running.hardware, by: 1 },
    { hardware: 'h100', by: 1 },
  ]);
});
