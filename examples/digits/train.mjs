#!/usr/bin/env node
// Trains a small network to read handwritten digits. It behaves as a long training job should: progress lines,
// checkpoints, a clean stop on SIGTERM, and a resume that ends in exactly the same model. See ../README.md.
import { constants } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

import { checkpointPath, loadCheckpoint, saveCheckpoint, writeWhole } from './checkpoint.mjs';
import { CLASSES, loadDigits, PIXELS, splitRows } from './data.mjs';
import { accuracyOn, createModel, descend, gradientOf, toPlain, zerosLike } from './model.mjs';
import { BadOption, readOptions, USAGE } from './options.mjs';
import { randomFrom, shuffledIndices } from './random.mjs';

const NOTHING_UNLOGGED = { loss: 0, correct: 0, rows: 0 };
const MODEL_STREAM = -1; // epochs use the streams from 0 on

async function main() {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) return console.log(USAGE);

  process.stdout.on('error', outliveReader);
  const stop = stopOnSignal();
  const data = loadDigits();
  const { training, test } = splitRows(data.rows);
  const state = begin(options, data.sha256);
  await train(state, training, options, data.sha256, stop.signal);

  if (stop.signal.aborted) {
    saveCheckpoint(options, data.sha256, state);
    console.log(
      `stopped by ${stop.signal.reason} after step ${state.step}, checkpoint ${checkpointPath(options.checkpointDir)}`,
    );
    process.exitCode = 128 + constants.signals[stop.signal.reason];
    return;
  }
  const accuracy = accuracyOn(state.model, test);
  const modelPath = join(options.outputDir, 'model.json');
  writeWhole(modelPath, JSON.stringify(describe(state, options, data.sha256, test.length, accuracy)));
  console.log(`done test_accuracy=${accuracy.toFixed(4)} test_rows=${test.length} model=${modelPath}`);
}

function begin(options, dataSha256) {
  const saved = options.resumeDir === undefined ? undefined : loadCheckpoint(options, dataSha256);
  if (saved) {
    console.log(`resumed after step ${saved.step} from ${checkpointPath(options.resumeDir)}`);
    return saved;
  }
  const model = createModel(options.hiddenUnits, randomFrom(options.seed, MODEL_STREAM));
  return { step: 0, unlogged: NOTHING_UNLOGGED, model, velocity: zerosLike(model) };
}

async function train(state, training, options, dataSha256, signal) {
  const stepsPerEpoch = Math.ceil(training.length / options.batchSize);
  const lastStep = stepsPerEpoch * options.epochs;
  if (state.step > lastStep)
    throw new BadOption(
      `--epochs is ${options.epochs}, but the checkpoint is further on, at step ${state.step}`,
    );
  while (state.step < lastStep && !signal.aborted) {
    const epoch = Math.floor(state.step / stepsPerEpoch);
    const order = shuffledIndices(training.length, randomFrom(options.seed, epoch));
    const epochEnd = (epoch + 1) * stepsPerEpoch;
    while (state.step < epochEnd && !signal.aborted) {
      const first = (state.step % stepsPerEpoch) * options.batchSize;
      takeStep(
        state,
        order.slice(first, first + options.batchSize).map((index) => training[index]),
        options.learningRate,
      );
      if (state.step % options.logEverySteps === 0 || state.step === lastStep)
        logProgress(state, epoch + 1, options.epochs, lastStep);
      await nextTurn(); // signals are only seen between turns of the event loop
    }
    if (state.step < epochEnd) return;
    saveCheckpoint(options, dataSha256, state);
    if (state.step < lastStep) await pause(options.epochPauseMs, undefined, { signal }).catch(ignoreAbort);
  }
}

function takeStep(state, batch, learningRate) {
  const { gradient, loss, correct } = gradientOf(state.model, batch);
  descend(state.model, state.velocity, gradient, learningRate);
  const { unlogged } = state;
  state.unlogged = {
    loss: unlogged.loss + loss,
    correct: unlogged.correct + correct,
    rows: unlogged.rows + batch.length,
  };
  state.step += 1;
}

/** Loss and accuracy are means over the training rows seen since the last line. */
function logProgress(state, epoch, epochs, lastStep) {
  const { loss, correct, rows } = state.unlogged;
  // Rounded down: only the last line says 1.00.
  const progress = Math.floor((state.step / lastStep) * 100) / 100;
  const pairs = {
    step: state.step,
    epoch: `${epoch}/${epochs}`,
    loss: (loss / rows).toFixed(4),
    accuracy: (correct / rows).toFixed(4),
    progress: progress.toFixed(2),
  };
  console.log(
    Object.entries(pairs)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  );
  state.unlogged = NOTHING_UNLOGGED;
}

/** No time and no host name: the same command makes the same file, byte for byte. */
function describe(state, options, dataSha256, testRows, testAccuracy) {
  return {
    format: 'digits-model/1',
    layers: [PIXELS, options.hiddenUnits, CLASSES],
    trained: {
      seed: options.seed,
      epochs: options.epochs,
      steps: state.step,
      batch_size: options.batchSize,
      learning_rate: options.learningRate,
    },
    data_sha256: dataSha256,
    test_rows: testRows,
    test_accuracy: testAccuracy,
    weights: toPlain(state.model),
  };
}

/** Hours of training are worth more than their log: a reader that goes away must not end the run. */
function outliveReader(error) {
  if (error.code !== 'EPIPE') throw error;
}

function stopOnSignal() {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stop.abort(name));
  return stop;
}

function ignoreAbort(error) {
  if (error.name !== 'AbortError') throw error;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof BadOption ? error.message : error);
  process.exitCode = error instanceof BadOption ? 2 : 1;
}
