import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** A flag or variable that cannot be used; the caller must change the command line, so the exit code is 2. */
export class BadOption extends Error {}

const NUMBERS = {
  epochs: { variable: 'DIGITS_EPOCHS', fallback: 10, min: 1, max: 10_000, whole: true },
  'learning-rate': { variable: 'DIGITS_LEARNING_RATE', fallback: 0.05, min: 0.000_001, max: 10 },
  'batch-size': { variable: 'DIGITS_BATCH_SIZE', fallback: 32, min: 1, max: 1437, whole: true },
  'hidden-units': { variable: 'DIGITS_HIDDEN_UNITS', fallback: 64, min: 1, max: 1024, whole: true },
  seed: { variable: 'DIGITS_SEED', fallback: 1, min: 0, max: 2 ** 32 - 1, whole: true },
  'log-every-steps': {
    variable: 'DIGITS_LOG_EVERY_STEPS',
    fallback: 15,
    min: 1,
    max: 1_000_000,
    whole: true,
  },
  'epoch-pause-ms': { variable: 'DIGITS_EPOCH_PAUSE_MS', fallback: 0, min: 0, max: 600_000, whole: true },
};

export const USAGE = `Usage: node train.mjs [options]      a flag wins over its environment variable
${Object.entries(NUMBERS)
  .map(([name, { variable, fallback, min, max }]) =>
    helpLine(`--${name} N`, variable, `${min} to ${max}, default ${fallback}`),
  )
  .join('\n')}
${helpLine('--output DIR', 'LINECLEAR_OUTPUT_DIR', 'where model.json goes, default ./digits-output')}
${helpLine('--checkpoints DIR', 'LINECLEAR_CHECKPOINT_DIR', 'where checkpoint.json goes, default OUTPUT/checkpoints')}
${helpLine('--resume', 'LINECLEAR_RESUME_FROM', 'go on from the checkpoint (there); without one, start at the beginning')}`;

export function readOptions(args, env) {
  const flags = parseFlags(args);
  const number = (name) => readNumber(name, flags[name], env);
  const outputDir = readFolder('output', flags.output ?? env.LINECLEAR_OUTPUT_DIR ?? 'digits-output');
  const checkpointDir = readFolder(
    'checkpoints',
    flags.checkpoints ?? env.LINECLEAR_CHECKPOINT_DIR ?? resolve(outputDir, 'checkpoints'),
  );
  return {
    help: flags.help ?? false,
    epochs: number('epochs'),
    learningRate: number('learning-rate'),
    batchSize: number('batch-size'),
    hiddenUnits: number('hidden-units'),
    seed: number('seed'),
    logEverySteps: number('log-every-steps'),
    epochPauseMs: number('epoch-pause-ms'),
    outputDir,
    checkpointDir,
    // What the attempt before left is elsewhere than what this one leaves.
    resumeDir: flags.resume ? checkpointDir : readFolderIfGiven('LINECLEAR_RESUME_FROM', env),
  };
}

const readFolderIfGiven = (name, env) => (env[name] === undefined ? undefined : readFolder(name, env[name]));

function parseFlags(args) {
  const text = { type: 'string' };
  const yes = { type: 'boolean' };
  const numbers = Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, text]));
  try {
    return parseArgs({
      args,
      options: { ...numbers, output: text, checkpoints: text, resume: yes, help: yes },
    }).values;
  } catch (error) {
    throw new BadOption(error.message, { cause: error });
  }
}

function readNumber(name, flag, env) {
  const { variable, fallback, min, max, whole } = NUMBERS[name];
  const text = flag ?? env[variable];
  if (text === undefined) return fallback;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  const source = flag === undefined ? variable : `--${name}`;
  throw new BadOption(
    `${source} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not '${text}'`,
  );
}

function readFolder(name, path) {
  if (path.trim() === '') throw new BadOption(`--${name} must name a folder`);
  return resolve(path);
}

function helpLine(flag, variable, meaning) {
  return `  ${flag.padEnd(22)}${variable.padEnd(26)}${meaning}`;
}
