#!/usr/bin/env node
// Shows one digit and what a trained model takes it for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadDigits, splitRows, toPixels } from './data.mjs';
import { forward, fromPlain, mostLikely } from './model.mjs';
import { BadOption } from './options.mjs';

const SHADES = ' .:-=+*#%@';
const SIDE = 8;

function main() {
  const flags = parseFlags();
  const model = readModel(
    flags.model ?? join(process.env.LINECLEAR_OUTPUT_DIR ?? 'digits-output', 'model.json'),
  );
  const { pixels, known } =
    flags.pixels === undefined ? rowOfFile(flags.row) : { pixels: pixelsFrom(flags.pixels), known: '' };
  const { probabilities } = forward(model, pixels);
  const predicted = mostLikely(probabilities);
  console.log(draw(pixels));
  console.log(`predicted=${predicted} probability=${probabilities[predicted].toFixed(4)}${known}`);
}

function parseFlags() {
  const text = { type: 'string' };
  try {
    return parseArgs({ options: { model: text, row: text, pixels: text } }).values;
  } catch (error) {
    throw new BadOption(error.message, { cause: error });
  }
}

function readModel(path) {
  let model;
  try {
    model = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BadOption(`--model ${path} cannot be read: ${error.message}`, { cause: error });
  }
  if (model?.format !== 'digits-model/1') throw new BadOption(`--model ${path} is not a digits-model/1 file`);
  return fromPlain(model.weights);
}

/** A line of digits.csv; without a number, the first of those that training did not see. */
function rowOfFile(text) {
  const { rows } = loadDigits();
  const { test } = splitRows(rows);
  const row = text === undefined ? test[0] : rows[Number(text) - 1];
  if (!row) throw new BadOption(`--row must be a line of digits.csv, 1 to ${rows.length}, not '${text}'`);
  return { pixels: row.pixels, known: ` label=${row.label} held_out=${test.includes(row) ? 'yes' : 'no'}` };
}

function pixelsFrom(text) {
  try {
    return toPixels(text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part))));
  } catch (error) {
    throw new BadOption(`--pixels must be ${error.message}, separated by commas`, { cause: error });
  }
}

function draw(pixels) {
  const shades = Array.from(pixels, (pixel) => SHADES[Math.round(pixel * (SHADES.length - 1))].repeat(2));
  return Array.from({ length: SIDE }, (_, line) =>
    shades
      .slice(line * SIDE, (line + 1) * SIDE)
      .join('')
      .trimEnd(),
  ).join('\n');
}

try {
  main();
} catch (error) {
  console.error(error instanceof BadOption ? error.message : error);
  process.exitCode = error instanceof BadOption ? 2 : 1;
}
