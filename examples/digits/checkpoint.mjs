import { mkdirSync, openSync, closeSync, fsyncSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { fromPlain, toPlain } from './model.mjs';
import { BadOption } from './options.mjs';

const FORMAT = 'digits-checkpoint/1';

export const checkpointPath = (folder) => join(folder, 'checkpoint.json');

/** Everything the next step depends on. The order of an epoch follows from the seed, so it needs no place here. */
export function saveCheckpoint(options, dataSha256, state) {
  const { step, model, velocity, unlogged } = state;
  const content = {
    format: FORMAT,
    made_with: settingsOf(options, dataSha256),
    step,
    unlogged,
    model: toPlain(model),
    velocity: toPlain(velocity),
  };
  writeWhole(checkpointPath(options.checkpointDir), JSON.stringify(content));
}

/** The saved state, or undefined when there is none yet. A run that would not be the same run is refused. */
export function loadCheckpoint(options, dataSha256) {
  const saved = readIfThere(checkpointPath(options.resumeDir));
  if (saved === undefined) return undefined;
  if (saved.format !== FORMAT)
    throw new Error(`${checkpointPath(options.resumeDir)} is not a ${FORMAT} file`);
  for (const [name, value] of Object.entries(settingsOf(options, dataSha256))) {
    if (saved.made_with[name] !== value)
      throw new BadOption(`${name} is ${value}, but the checkpoint was made with ${saved.made_with[name]}`);
  }
  return {
    step: saved.step,
    unlogged: saved.unlogged,
    model: fromPlain(saved.model),
    velocity: fromPlain(saved.velocity),
  };
}

/** A reader, or a crash at any moment, sees the old file or the new one, never half of one. */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  const file = openSync(unfinished, 'w');
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, path);
}

/** What must stay the same for a resumed run to end where an uninterrupted one would. More epochs may be added. */
function settingsOf(options, dataSha256) {
  return {
    '--seed': options.seed,
    '--batch-size': options.batchSize,
    '--learning-rate': options.learningRate,
    '--hidden-units': options.hiddenUnits,
    'digits.csv': dataSha256,
  };
}

function readIfThere(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read: ${error.message}`, { cause: error });
  }
}
