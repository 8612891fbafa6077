import { execFileSync } from 'node:child_process';
import { Secret } from '@lineclear/kit';
import { describe, expect, it } from 'vitest';
import { ProviderFailure, type Submission } from './adapter.js';
import { containerOf, exitCodeIn, identityOf, withExitMark } from './container.js';

const submission = (config: Record<string, unknown>): Submission => ({
  runKey: 'lc-1-a1',
  jobId: 'job_1',
  attempt: 1,
  config,
  hardware: 'gpu',
  env: new Map([['TOKEN', { name: 'token', value: new Secret('hush') }]]),
  files: [],
  maxRuntimeSeconds: null,
  outputPath: '/out',
  checkpointPath: null,
});

describe('containers', () => {
  it('tells a container what it is, and keeps its secrets apart', () => {
    const config = { image: 'trainer:2', command: ['train'], env: { EPOCHS: '3' }, lr: 0.1 };
    expect(containerOf(submission(config), 'other:1')).toEqual({
      image: 'trainer:2',
      command: ['train'],
      env: {
        EPOCHS: '3',
        LINECLEAR_RUN_KEY: 'lc-1-a1',
        LINECLEAR_JOB_ID: 'job_1',
        LINECLEAR_ATTEMPT: '1',
        LINECLEAR_CONFIG: JSON.stringify(config),
        LINECLEAR_OUTPUT_PATH: '/out',
      },
      secretEnv: { TOKEN: 'hush' },
    });
    expect(containerOf(submission({}), 'other:1').image).toBe('other:1');
  });

  it('tells every attempt where its checkpoints are, and all but the first to go on from them', () => {
    const kept = (attempt: number) => identityOf({ ...submission({}), attempt, checkpointPath: 's3://kept' });
    expect(kept(1)).toMatchObject({ LINECLEAR_CHECKPOINT_PATH: 's3://kept' });
    expect(kept(1)).not.toHaveProperty('LINECLEAR_RESUME_FROM');
    expect(kept(2)).toMatchObject({
      LINECLEAR_CHECKPOINT_PATH: 's3://kept',
      LINECLEAR_RESUME_FROM: 's3://kept',
    });
  });

  it.each([
    [{}, 'config.image is missing'],
    [{ image: 'a', command: 'train' }, 'config.command'],
    [{ image: 'a', env: { '1': 'x' } }, 'config.env'],
  ])('refuses %j', (config, message) => {
    expect(() => containerOf(submission(config), undefined)).toThrow(ProviderFailure);
    expect(() => containerOf(submission(config), undefined)).toThrow(message);
  });
});

describe('the mark at the end of an output', () => {
  it.each([
    [['sh', '-c', 'echo hi; exit 3'], 3],
    [['true'], 0],
    [['printf', 'no end of line'], 0],
  ])('says how %j ended', (command, code) => {
    const [program = '', ...args] = withExitMark(command, 'lc-1-a1');
    let output: string;
    try {
      output = execFileSync(program, args, { encoding: 'utf8' });
    } catch (error) {
      output = (error as { stdout: string }).stdout;
    }
    expect(exitCodeIn(output, 'lc-1-a1')).toBe(code);
    expect(exitCodeIn(output, 'lc-1-a2')).toBeUndefined();
  });

  it('is not taken from the middle of a line', () => {
    expect(exitCodeIn('see lineclear-exit lc-1-a1 0\n', 'lc-1-a1')).toBeUndefined();
  });
});
