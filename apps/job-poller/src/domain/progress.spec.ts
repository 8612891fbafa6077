import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readProgress } from './progress.js';

it.each([
  [
    'step=120 epoch=3/10 loss=0.2314 accuracy=0.9412 progress=0.26',
    { step: 120, epoch: 3, progress: 0.26, metrics: { loss: 0.2314, accuracy: 0.9412 } },
  ],
  [
    '{"step": 7, "epoch": 1.5, "train_loss": 2e-3, "note": "hello"}',
    { step: 7, epoch: 1.5, metrics: { train_loss: 0.002 } },
  ],
  ['step=50/200', { step: 50, progress: 0.25 }],
  ['progress=40%', { progress: 0.4 }],
  ['progress=7', { progress: 1 }],
  ['[trainer] stage=validating, step=3', { stage: 'validating', step: 3 }],
  ['loss=nan step=-1 epoch=x', null],
  ['done model=/tmp/model.json rows=360', null],
  ['{"step": [1], "broken": ', null],
  ['[1, 2]', null],
  ['just words', null],
  ['', null],
])('reads %j', (line, expected) => {
  expect(readProgress(line, null)).toEqual(expected);
});

it('keeps what was known, and takes the last of several lines', () => {
  const known = { stage: 'training', step: 1, metrics: { loss: 3, accuracy: 0.1 } };
  expect(readProgress('step=2 loss=2\r\nstep=3 loss=1\nnothing\n', known)).toEqual({
    stage: 'training',
    step: 3,
    metrics: { loss: 1, accuracy: 0.1 },
  });
  expect(readProgress('nothing', known)).toBe(known);
});

it('never says what an event could not carry, whatever is printed', () => {
  const number = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom('1e999', '-0', '99999999999999999999', '3/0', '%'),
  );
  const pair = fc
    .tuple(fc.constantFrom('step', 'epoch', 'progress', 'loss', 'stage', 'a.loss'), number)
    .map(([name, value]) => `${name}=${value}`);
  const json = fc
    .dictionary(fc.constantFrom('step', 'epoch', 'progress', 'loss'), fc.jsonValue())
    .map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(fc.array(fc.oneof(pair, json, fc.string()), { maxLength: 8 }), (parts) => {
      const progress = readProgress(parts.join(' '), null) ?? {};
      if (progress.step !== undefined)
        expect(Number.isSafeInteger(progress.step) && progress.step >= 0).toBe(true);
      if (progress.epoch !== undefined)
        expect(Number.isFinite(progress.epoch) && progress.epoch >= 0).toBe(true);
      if (progress.progress !== undefined)
        expect(progress.progress >= 0 && progress.progress <= 1).toBe(true);
      for (const value of Object.values(progress.metrics ?? {})) expect(Number.isFinite(value)).toBe(true);
    }),
  );
});
