import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROGRESS = /^step=\d+ epoch=\d+\/\d+ loss=\d+\.\d{4} accuracy=[01]\.\d{4} progress=[01]\.\d{2}$/;

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'digits-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(script: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, [path, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

/** Sends the signal when a line of the output matches, and waits for the end. */
async function endedAfterSignal(child: ChildProcess, line: RegExp, signal: NodeJS.Signals): Promise<Ended> {
  let out = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const before = line.test(out);
    out += chunk;
    if (!before && line.test(out)) child.kill(signal);
  });
  const [err] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

const train = (...args: string[]) => ended(start('./train.mjs', args));
const fileOf = (...parts: string[]) => readFileSync(join(folder, ...parts), 'utf8');

describe('a training run', () => {
  it('reads at least 93 of 100 unseen digits and shows its progress on the way', async () => {
    const { code, out, err } = await train('--output', 'out');

    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    const last = lines.pop();
    expect(lines.filter((line) => !PROGRESS.test(line))).toEqual([]);
    expect(lines.at(-1)).toContain('epoch=10/10');
    expect(lines.filter((line) => line.endsWith('progress=1.00'))).toEqual([lines.at(-1)]);
    expect(last).toMatch(/^done test_accuracy=\d\.\d{4} test_rows=360 model=.+model\.json$/);
    const model = JSON.parse(fileOf('out', 'model.json')) as { test_accuracy: number; layers: number[] };
    expect(model.test_accuracy).toBeGreaterThanOrEqual(0.93);
    expect(model.layers).toEqual([64, 64, 10]);
  });

  it('is the same for the same seed and another for another seed', async () => {
    await Promise.all(
      ['a:5', 'b:5', 'c:6'].map((run) => train('--epochs', '1', '--output', run[0]!, '--seed', run[2]!)),
    );

    expect(fileOf('a', 'model.json')).toBe(fileOf('b', 'model.json'));
    expect(fileOf('a', 'model.json')).not.toBe(fileOf('c', 'model.json'));
  });

  it('takes its folders and numbers from the environment, and a flag before a variable', async () => {
    const env = {
      LINECLEAR_OUTPUT_DIR: join(folder, 'env'),
      LINECLEAR_CHECKPOINT_DIR: join(folder, 'kept'),
      DIGITS_EPOCHS: '2',
      DIGITS_SEED: '8',
    };
    const { code } = await ended(start('./train.mjs', ['--seed', '9'], env));

    expect(code).toBe(0);
    expect(JSON.parse(fileOf('env', 'model.json'))).toMatchObject({ trained: { epochs: 2, seed: 9 } });
    expect(readdirSync(join(folder, 'kept'))).toEqual(['checkpoint.json']);
  });

  it('goes on when nobody reads its lines any more', async () => {
    const child = start('./train.mjs', ['--epochs', '2', '--log-every-steps', '1', '--output', 'out']);
    child.stdout!.destroy();
    const [err] = await Promise.all([text(child.stderr!), once(child, 'close')]);

    expect({ code: child.exitCode, err }).toEqual({ code: 0, err: '' });
    expect(readdirSync(join(folder, 'out'))).toContain('model.json');
  });
});

describe('stopping and resuming', () => {
  it('ends in the same model as an uninterrupted run when stopped in the middle of an epoch', async () => {
    const common = [
      '--epochs',
      '3',
      '--batch-size',
      '1',
      '--learning-rate',
      '0.005',
      '--log-every-steps',
      '7',
    ];
    const whole = await train(...common, '--output', 'whole');
    // The pause holds the process between two epochs, so the signal never comes after its end.
    const stopped = await endedAfterSignal(
      start('./train.mjs', [...common, '--epoch-pause-ms', '60000', '--output', 'cut']),
      /step=7 /,
      'SIGTERM',
    );

    expect(stopped.code).toBe(143);
    expect(stopped.out).toMatch(/stopped by SIGTERM after step \d+, checkpoint .+checkpoint\.json\n$/);
    expect(readdirSync(join(folder, 'cut'))).toEqual(['checkpoints']);
    expect(readdirSync(join(folder, 'cut', 'checkpoints'))).toEqual(['checkpoint.json']);

    const resumed = await train(...common, '--resume', '--output', 'cut');
    expect(resumed).toMatchObject({ code: 0, err: '' });
    expect(resumed.out).toMatch(/^resumed after step \d+ from /);
    expect(fileOf('cut', 'model.json')).toBe(fileOf('whole', 'model.json'));
    const progress = (out: string) => out.split('\n').filter((line) => PROGRESS.test(line));
    expect([...progress(stopped.out), ...progress(resumed.out)]).toEqual(progress(whole.out));
    // Three trainings, on a machine that may be busy with everything else.
  }, 120_000);

  it('goes on from the last whole epoch after a kill that nothing can catch', async () => {
    await train('--epochs', '2', '--output', 'whole');
    const killed = start('./train.mjs', ['--epochs', '2', '--epoch-pause-ms', '60000', '--output', 'cut']);
    await expect
      .poll(() => readdirSync(folder, { recursive: true }), { timeout: 20_000 })
      .toContain('cut/checkpoints/checkpoint.json');
    killed.kill('SIGKILL');
    await once(killed, 'close');

    const resumed = await train('--epochs', '2', '--resume', '--output', 'cut');
    expect(resumed.out).toContain('resumed after step 45 ');
    expect(fileOf('cut', 'model.json')).toBe(fileOf('whole', 'model.json'));
  });

  it('starts at the beginning when there is nothing to resume, and has nothing to do when all is done', async () => {
    const first = await train('--epochs', '1', '--resume', '--output', 'out');
    const model = fileOf('out', 'model.json');
    const second = await train('--epochs', '1', '--resume', '--output', 'out');

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(second.out).toMatch(/^resumed after step 45 .*\ndone /);
    expect(fileOf('out', 'model.json')).toBe(model);
  });

  it('refuses a checkpoint of another run or of no run', async () => {
    await Promise.all([
      train('--epochs', '1', '--output', 'out'),
      train('--epochs', '2', '--output', 'longer'),
    ]);
    const other = await train('--epochs', '2', '--seed', '2', '--resume', '--output', 'out');
    expect(other).toMatchObject({ code: 2, err: '--seed is 2, but the checkpoint was made with 1\n' });
    const shorter = await train('--epochs', '1', '--resume', '--output', 'longer');
    expect(shorter).toMatchObject({
      code: 2,
      err: '--epochs is 1, but the checkpoint is further on, at step 90\n',
    });

    writeFileSync(join(folder, 'out', 'checkpoints', 'checkpoint.json'), '{"format":');
    const broken = await train('--resume', '--output', 'out');
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('checkpoint.json cannot be read');
  });
});

describe('bad options end with code 2 and the name of the flag', () => {
  it.each([
    [['--epochs', 'ten'], "--epochs must be a whole number from 1 to 10000, not 'ten'"],
    [['--epochs', '1.5'], '--epochs'],
    [['--learning-rate=-1'], '--learning-rate'],
    [['--learning-rate', 'Infinity'], '--learning-rate'],
    [['--batch-size', '0'], '--batch-size'],
    [['--seed='], '--seed'],
    [['--epoch-pause-ms=-5'], '--epoch-pause-ms'],
    [['--output', ''], '--output'],
    [['--speed', '9'], "'--speed'"],
    [['--resume=yes'], "'--resume'"],
    [['extra'], "'extra'"],
  ])('%j', async (args, message) => {
    const { code, out, err } = await train(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('or of the variable, when that is where the value came from', async () => {
    const { code, err } = await ended(start('./train.mjs', [], { DIGITS_EPOCHS: '0' }));
    expect(code).toBe(2);
    expect(err).toContain('DIGITS_EPOCHS must be');
  });
});

describe('a prediction', () => {
  it('draws the digit and names it', async () => {
    await train('--output', 'out');
    const { code, out } = await ended(start('./predict.mjs', ['--model', 'out/model.json']));

    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(9);
    const [, predicted, label] =
      /^predicted=(\d) probability=\d\.\d{4} label=(\d) held_out=yes$/.exec(lines[8]!) ?? [];
    expect(predicted).toBe(label);
  });

  it.each([
    [['--model', 'nowhere.json'], '--model nowhere.json cannot be read'],
    [['--model', 'out/model.json', '--row', '1798'], '--row must be'],
    [['--model', 'out/model.json', '--pixels', '1,2,17'], '--pixels must be 64 whole numbers from 0 to 16'],
  ])('%j ends with code 2', async (args, message) => {
    await train('--epochs', '1', '--output', 'out');
    const { code, err } = await ended(start('./predict.mjs', args));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('the hand-written gradient', () => {
  it('is the slope of the loss', async () => {
    // By URL, because these scripts are plain JavaScript without declarations.
    const model = (await import(new URL('./model.mjs', import.meta.url).href)) as DigitsModel;
    const network = model.createModel(5, randomFrom());
    const batch = [3, 7].map((label) => ({
      label,
      pixels: Float64Array.from({ length: 64 }, randomFrom(label)),
    }));
    const { gradient } = model.gradientOf(network, batch);

    const step = 1e-6;
    for (const [name, values] of Object.entries(network)) {
      for (let index = 0; index < values.length; index += 1) {
        const lossAt = (shift: number) => {
          const moved = { ...network, [name]: values.with(index, values[index]! + shift) };
          return model.gradientOf(moved, batch).loss / batch.length;
        };
        expect(gradient[name]![index]).toBeCloseTo((lossAt(step) - lossAt(-step)) / (2 * step), 6);
      }
    }
  });
});

type Arrays = Record<string, Float64Array>;
interface DigitsModel {
  createModel(hiddenUnits: number, random: () => number): Arrays;
  gradientOf(
    model: Arrays,
    batch: { label: number; pixels: Float64Array }[],
  ): { gradient: Arrays; loss: number };
}

/** Any fixed sequence between 0 and 1 will do here. */
function randomFrom(start = 1): () => number {
  let state = start;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}
