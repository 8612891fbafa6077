import { expect, it } from 'vitest';
import { aRun, at } from './run.fixture.js';
import { endedData, toPublish } from './announce.js';

const running = { remoteState: 'running', state: 'active' } as const;
const told = {
  remoteState: 'running',
  atMs: at(0).getTime(),
  step: 1,
  metrics: { loss: 1, acc: 2 },
} as const;
const progress = { step: 1, metrics: { acc: 2, loss: 1 } };

it.each([
  ['nothing was seen', aRun(), 10, false],
  ['the first look', aRun(running), 0, true],
  ['nothing new', aRun({ ...running, published: told, progress }), 10, false],
  ['a new step', aRun({ ...running, published: told, progress: { ...progress, step: 2 } }), 10, true],
  [
    'a new step within the same second',
    aRun({ ...running, published: told, progress: { ...progress, step: 2 } }),
    0.9,
    false,
  ],
  [
    'a new state within the same second',
    aRun({ ...running, published: { ...told, remoteState: 'starting' }, progress }),
    0.1,
    true,
  ],
  [
    'the end, with nothing but the end to tell',
    aRun({ state: 'ended', remoteState: 'succeeded', published: told, progress }),
    10,
    false,
  ],
  [
    'the end, with a last step',
    aRun({ state: 'ended', remoteState: 'succeeded', published: told, progress: { ...progress, step: 9 } }),
    0.1,
    true,
  ],
  ['the end of a run that said nothing', aRun({ state: 'ended', remoteState: 'failed' }), 10, false],
])('%s', (_, run, seconds, expected) => {
  expect(toPublish(run, at(seconds)) !== undefined).toBe(expected);
});

it.each([
  ['failed', 'oom', { cause: 'oom' }],
  ['lost', 'infrastructure', { cause: 'infrastructure' }],
  ['failed', null, {}],
  ['succeeded', 'preempted', {}],
  ['cancelled', 'preempted', {}],
] as const)('a run that %s for %s says so: %j', (outcome, cause, said) => {
  const { cause: told, ...rest } = endedData(aRun({ state: 'ended', outcome, cause, endedAt: at(9) }))!;
  expect({ ...(told && { cause: told }) }).toEqual(said);
  expect(rest).toMatchObject({ outcome });
});
