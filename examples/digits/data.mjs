import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { randomFrom, shuffledIndices } from './random.mjs';

export const PIXELS = 64;
export const PIXEL_MAX = 16;
export const CLASSES = 10;
const TEST_ROWS = 360;
const SPLIT_SEED = 1998;

/** All rows of digits.csv in the file's order, with the file's hash, which ties a checkpoint to its data. */
export function loadDigits() {
  const text = readFileSync(new URL('./digits.csv', import.meta.url), 'utf8');
  const rows = text.trimEnd().split('\n').map(toRow);
  return { rows, sha256: createHash('sha256').update(text).digest('hex') };
}

/**
 * 360 rows are held out, always the same ones whatever the training's seed, so that accuracies can be compared.
 * Drawn at random, because lines that stand near each other are alike: the file's end is unlike what comes before it.
 */
export function splitRows(rows) {
  const shuffled = shuffledIndices(rows.length, randomFrom(SPLIT_SEED, 0)).map((index) => rows[index]);
  return { training: shuffled.slice(0, -TEST_ROWS), test: shuffled.slice(-TEST_ROWS) };
}

/** Pixels as the model wants them: 0 (white) to 1 (black). */
export function toPixels(counts) {
  const whole = counts.every((count) => Number.isInteger(count) && count >= 0 && count <= PIXEL_MAX);
  if (counts.length !== PIXELS || !whole)
    throw new RangeError(`${PIXELS} whole numbers from 0 to ${PIXEL_MAX}`);
  return Float64Array.from(counts, (count) => count / PIXEL_MAX);
}

function toRow(line) {
  const numbers = line.split(',').map(Number);
  return { pixels: toPixels(numbers.slice(0, PIXELS)), label: numbers[PIXELS] };
}
