import { expect, it } from 'vitest';
import { leaksData, withLeaks } from './leaks.js';
import { aRun } from './run.fixture.js';

const raw = { name: 'HF_TOKEN', form: 'raw' } as const;
const hex = { name: 'HF_TOKEN', form: 'hex' } as const;
const other = { name: 'WANDB_API_KEY', form: 'base64' } as const;

it('notes each secret of a run once, as it was seen first', () => {
  const first = withLeaks(aRun(), [raw, hex], 'log');
  expect(first.leaked).toEqual([{ ...raw, where: 'log' }]);
  expect(withLeaks(first, [hex], 'message')).toBe(first);
  expect(withLeaks(first, [hex, other], 'message').leaked).toEqual([
    { ...raw, where: 'log' },
    { ...other, where: 'message' },
  ]);
});

it('tells of what is new', () => {
  const before = withLeaks(aRun(), [raw], 'log');
  expect(leaksData(before, before)).toEqual([]);
  const { jobId: job_id, attempt, userId: user_id } = before;
  expect(leaksData(before, withLeaks(before, [other], 'message'))).toEqual([
    { job_id, attempt, user_id, ...other, where: 'message' },
  ]);
});
