import { CLASSES, PIXELS } from './data.mjs';

const MOMENTUM = 0.9;

/** One hidden layer of rectified units. Weights are row by row: the weights into unit u start at u * inputs. */
export function createModel(hiddenUnits, random) {
  // He's scale keeps the signal's size through a rectified layer.
  const weights = (count, inputs) =>
    Float64Array.from({ length: count * inputs }, () => (random() * 2 - 1) * Math.sqrt(6 / inputs));
  return {
    hiddenWeights: weights(hiddenUnits, PIXELS),
    hiddenBias: new Float64Array(hiddenUnits),
    outputWeights: weights(CLASSES, hiddenUnits),
    outputBias: new Float64Array(CLASSES),
  };
}

/** Arrays of the model's shape, all zero: a gradient, or the optimiser's velocity. */
export function zerosLike(model) {
  return Object.fromEntries(
    Object.entries(model).map(([name, values]) => [name, new Float64Array(values.length)]),
  );
}

/** The probability of each class for one image, and the hidden activations that led there. */
export function forward(model, pixels) {
  const hidden = weightedSums(model.hiddenWeights, model.hiddenBias, pixels).map((sum) => Math.max(0, sum));
  const scores = weightedSums(model.outputWeights, model.outputBias, hidden);
  // Softmax; without the largest score taken off, exp() overflows.
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return { hidden, probabilities: powers.map((power) => power / total) };
}

/** The mean gradient of the cross-entropy over a batch, with the batch's summed loss and number of right answers. */
export function gradientOf(model, batch) {
  const gradient = zerosLike(model);
  let loss = 0;
  let correct = 0;
  for (const { pixels, label } of batch) {
    const { hidden, probabilities } = forward(model, pixels);
    loss -= Math.log(Math.max(probabilities[label], Number.MIN_VALUE));
    if (mostLikely(probabilities) === label) correct += 1;

    const outputError = probabilities.map(
      (probability, digit) => (probability - (digit === label ? 1 : 0)) / batch.length,
    );
    const hiddenError = hidden.map((activation, unit) =>
      activation > 0 ? errorFrom(outputError, model.outputWeights, unit, hidden.length) : 0,
    );
    addOuterProduct(gradient.outputWeights, gradient.outputBias, outputError, hidden);
    addOuterProduct(gradient.hiddenWeights, gradient.hiddenBias, hiddenError, pixels);
  }
  return { gradient, loss, correct };
}

/** One step of gradient descent with momentum, in place. */
export function descend(model, velocity, gradient, learningRate) {
  for (const [name, values] of Object.entries(model)) {
    for (let index = 0; index < values.length; index += 1) {
      velocity[name][index] = MOMENTUM * velocity[name][index] - learningRate * gradient[name][index];
      values[index] += velocity[name][index];
    }
  }
}

/** The share of rows that the model gets right. */
export function accuracyOn(model, rows) {
  const right = rows.filter(
    ({ pixels, label }) => mostLikely(forward(model, pixels).probabilities) === label,
  );
  return right.length / rows.length;
}

export function mostLikely(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** JSON keeps every bit of a double, so a model that went through it is the same model. */
export function toPlain(arrays) {
  return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, Array.from(values)]));
}

export function fromPlain(plain) {
  return Object.fromEntries(Object.entries(plain).map(([name, values]) => [name, Float64Array.from(values)]));
}

function weightedSums(weights, bias, inputs) {
  return bias.map((start, unit) => {
    let sum = start;
    for (let index = 0; index < inputs.length; index += 1)
      sum += weights[unit * inputs.length + index] * inputs[index];
    return sum;
  });
}

function errorFrom(outputError, outputWeights, unit, hiddenUnits) {
  return outputError.reduce(
    (sum, error, digit) => sum + error * outputWeights[digit * hiddenUnits + unit],
    0,
  );
}

function addOuterProduct(weights, bias, errors, inputs) {
  errors.forEach((error, unit) => {
    if (error === 0) return;
    bias[unit] += error;
    for (let index = 0; index < inputs.length; index += 1)
      weights[unit * inputs.length + index] += error * inputs[index];
  });
}
