import { expect, it } from 'vitest';
import { labelsOf } from './worker-options.js';

it('reads labels', () => {
  expect(labelsOf(['gpu=a100-80g', 'site=b'])).toEqual({ gpu: 'a100-80g', site: 'b' });
});

it.each(['gpu', 'GPU=a100', 'gpu=', '=a100', 'gpu=a 100', 'gpu=a*'])('refuses %j', (text) => {
  expect(() => labelsOf([text])).toThrow('--label');
});
