import { performance } from 'node:perf_hooks';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which `share` (0 to 1) of the numbers lie. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Runs `work` over and over in `clients` lanes for `seconds`; gives the latencies (ms) and the rate. */
export async function closedLoop(clients, seconds, work) {
  const latencies = [];
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: clients }, async (_, lane) => {
      while (performance.now() < until) {
        const before = performance.now();
        await work(lane);
        latencies.push(performance.now() - before);
      }
    }),
  );
  return { latencies, perSecond: latencies.length / ((performance.now() - started) / 1_000) };
}

/**
 * `work` in `clients` lanes that share an even pace of `perSecond`; gives the latencies (ms), each from when it was due: who
 * waits for their turn waits as well.
 */
export async function pacedLoop(clients, perSecond, seconds, work) {
  const latencies = [];
  const every = (clients * 1_000) / perSecond;
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: clients }, async (_, lane) => {
      for (let due = started + (lane * every) / clients; due < until; due += every) {
        const wait = due - performance.now();
        if (wait > 0) await sleep(wait);
        // Timers are early at times.
        const from = Math.min(due, performance.now());
        await work(lane);
        latencies.push(performance.now() - from);
      }
    }),
  );
  return latencies;
}

/** Starts `work` `rate` times a second for `seconds`, whether or not earlier ones are done; waits for all. */
export async function openLoop(rate, seconds, work) {
  const total = Math.round(rate * seconds);
  const started = performance.now();
  const running = [];
  for (let n = 0; n < total; n += 1) {
    const due = started + (n * 1_000) / rate;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    running.push(work(n));
  }
  await Promise.all(running);
}

export const round = (value, digits = 1) => Number(value.toFixed(digits));
