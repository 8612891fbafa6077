import { expect, it } from 'vitest';
import { endReport } from './end-report.js';

it.each([
  [{ state: 'succeeded', exitCode: 0 }, null, { state: 'succeeded', exit_code: 0, message: null }],
  [
    { state: 'failed', exitCode: 3, message: 'exit code 3' },
    'worker',
    { state: 'failed', exit_code: 3, message: 'exit code 3' },
  ],
  [{ state: 'cancelled' }, null, { state: 'cancelled', exit_code: null, message: null }],
  [
    { state: 'cancelled', exitCode: 143 },
    'worker',
    { state: 'failed', exit_code: 143, message: 'its worker was stopped' },
  ],
  [
    { state: 'failed', exitCode: 99_999, message: 'x'.repeat(5_000) },
    null,
    { state: 'failed', exit_code: null, message: 'x'.repeat(2_000) },
  ],
  [{ state: 'failed', exitCode: Number.NaN }, null, { state: 'failed', exit_code: null, message: null }],
  [{ state: 'cancelled' }, 'max_runtime', { state: 'timed_out', exit_code: null, message: null }],
] as const)('tells of %j, stopped for %s', (seen, stoppedFor, expected) => {
  expect(endReport(seen, stoppedFor)).toEqual(expected);
});
