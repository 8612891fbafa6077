import { expect, it } from 'vitest';
import { at } from './run.fixture.js';
import { startOf } from './start-of-run.js';

it.each([
  ['was just accepted', null, at(0), at(0), at(0)],
  ['was seen to wait in line', 'submitted', at(0), at(60), at(60)],
  ['was seen to wait for a node', 'starting', at(0), at(60), at(60)],
  ['was accepted after it was seen, by another clock', 'submitted', at(2), at(0), at(2)],
  ['was seen to run', 'running', at(50), at(60), at(50)],
  ['is over', 'failed', at(50), at(60), at(50)],
  ['nobody accepted', null, null, null, null],
  ['was never seen', 'submitted', at(0), null, at(0)],
] as const)('says when a run began that %s', (_, remoteState, startedAt, lastObservedAt, start) => {
  expect(startOf({ remoteState, startedAt, lastObservedAt })).toEqual(start);
});
