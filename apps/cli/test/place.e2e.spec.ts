import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear } from './world.fixture.js';

const AWS = JSON.stringify({ access_key: 'AKIAABCDEFGHIJKLMNOP', secret_key: 'secret-of-aws' });
const WANDB = JSON.stringify({ api_key: 'w'.repeat(40) });
let home: Home;

beforeEach(async () => {
  home = await makeHome();
});
afterEach(() => home.remove());

const place = (format: string, input: string, ...flags: string[]) =>
  lineclear(home.path, ['place', format, ...flags], { input });

describe('credentials that are placed', () => {
  it('are in the files that tools read, for the owner alone, until logout leaves all as it was', async () => {
    await home.put(
      '.aws/credentials',
      '# mine\n[other]\naws_access_key_id=x\naws_secret_access_key = y',
      0o640,
    );
    await home.put('.netrc', 'machine example.com login a password b\r\n', 0o600);
    const before = await home.tree();
    expect(await place('aws', AWS)).toEqual({
      code: 0,
      stdout: `${home.path}/.aws/credentials: written\n`,
      stderr: '',
    });
    expect((await place('wandb', WANDB)).code).toBe(0);
    expect((await place('huggingface', '{"token": "hf_abcdef"}')).code).toBe(0);
    expect(await home.read('.cache/huggingface/token')).toBe('hf_abcdef');
    expect(await home.modeOf('.cache/huggingface/token')).toBe(0o600);
    expect(await home.modeOf('.aws/credentials')).toBe(0o600);
    expect(await home.modeOf('.lineclear/placed.json')).toBe(0o600);
    const { stdout } = await lineclear(home.path, ['credentials']);
    expect(stdout).toMatch(
      /^aws +default +\S+credentials +lineclear +AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY$/m,
    );
    expect(stdout).not.toMatch(/secret-of-aws|hf_abc/);

    const out = await lineclear(home.path, ['logout', '--yes']);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(out.stdout).toContain('was not logged in');
    expect(await home.tree()).toEqual(before);
  });

  it('do not take the place of another, unless that is wished, and then it comes back', async () => {
    await home.put('.cache/huggingface/token', 'hf_mine');
    const kept = await place('huggingface', '{"token": "hf_theirs"}');
    expect(kept).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('another one is there and stays'),
    });
    expect(await home.read('.cache/huggingface/token')).toBe('hf_mine');
    expect((await place('huggingface', '{"token": "hf_theirs"}', '--overwrite')).code).toBe(0);
    expect(await home.read('.cache/huggingface/token')).toBe('hf_theirs');
    await lineclear(home.path, ['logout', '--yes']);
    expect(await home.read('.cache/huggingface/token')).toBe('hf_mine');
  });

  it('are asked about one by one, and what is kept can be removed later', async () => {
    await place('huggingface', '{"token": "hf_abcdef"}');
    await place('wandb', WANDB);
    const first = await lineclear(home.path, ['logout'], { answers: ['perhaps', '', 'n'] });
    expect(first.stderr.match(/Remove \S+ \(\S+\) from/g)).toHaveLength(3);
    expect(first.stdout).toMatch(/removed: huggingface .*: as it was\nkept: wandb/);
    expect(Object.keys(await home.tree())).toEqual(['.netrc']);
    await lineclear(home.path, ['logout', '--yes']);
    expect(await home.tree()).toEqual({});
  });

  it('stay with --keep, and are not touched when there is nobody to ask', async () => {
    await place('huggingface', '{"token": "hf_abcdef"}');
    const nobody = await lineclear(home.path, ['logout']);
    expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes or --keep') });
    const kept = await lineclear(home.path, ['logout', '--keep']);
    expect(kept).toMatchObject({ code: 0, stdout: expect.stringContaining('kept: huggingface (default)') });
    expect(await home.read('.cache/huggingface/token')).toBe('hf_abcdef');
  });

  it('that others changed since are told and kept', async () => {
    await place('huggingface', '{"token": "hf_abcdef"}');
    await home.put('.cache/huggingface/token', 'hf_of_another_tool');
    const { stdout } = await lineclear(home.path, ['logout', '--yes']);
    expect(stdout).toContain('another value is there by now: left alone');
    expect(await home.read('.cache/huggingface/token')).toBe('hf_of_another_tool');
  });

  it('are removed but for one that cannot be, which is told and can be removed later', async () => {
    await place('huggingface', '{"token": "hf_abcdef"}');
    await place('docker', '{"username": "u", "password": "pw-secret", "server": "ghcr.io"}');
    const config = await home.read('.docker/config.json');
    await home.put('.docker/config.json', '{ not JSON');
    const { code, stdout, stderr } = await lineclear(home.path, ['logout', '--yes']);
    expect(code).toBe(1);
    expect(stdout).toContain('removed: huggingface');
    expect(stderr).toMatch(/^lineclear: docker \(ghcr\.io\) is still here: \S+config\.json /);
    await home.put('.docker/config.json', config);
    expect((await lineclear(home.path, ['logout', '--yes'])).code).toBe(0);
    expect(await home.tree()).toEqual({});
  });

  it('go into the home folder that is named', async () => {
    const other = await makeHome();
    await place('huggingface', '{"token": "hf_abcdef"}', '--home', other.path);
    expect(await other.read('.cache/huggingface/token')).toBe('hf_abcdef');
    await lineclear(home.path, ['logout', '--yes', '--home', other.path]);
    expect(await other.tree()).toEqual({});
    await other.remove();
  });

  it('are asked for field by field at a terminal', async () => {
    const answers = ['AKIAABCDEFGHIJKLMNOP', 'secret-of-aws', '', 'eu-west-1'];
    const { code, stderr } = await lineclear(home.path, ['place', 'aws'], { answers });
    expect(code).toBe(0);
    expect(stderr).toContain('session_token (Enter for none): ');
    expect(await home.read('.aws/config')).toContain('eu-west-1');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{secret-text'],
    ['a list', '["secret-text"]'],
    ['a number', '{"token": 1}'],
    ['more than 1 MiB', JSON.stringify({ token: 'x'.repeat(1_048_576) })],
  ])('are not read from %s', async (_, input) => {
    const { code, stderr } = await place('huggingface', input);
    expect(code).toBe(2);
    expect(stderr).not.toContain('secret-text');
  });

  it.each([
    ['an unknown field', '{"password": "secret-text"}', 'password: is no field of huggingface'],
    ['a missing one', '{}', 'token: is missing'],
    ['a value of two lines', '{"token": "secret-text\\nx"}', 'token: has a newline in it'],
  ])('are refused with %s, which is named without its value', async (_, input, said) => {
    const { code, stderr } = await place('huggingface', input);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `lineclear: ${said}\n` });
  });

  it('are all known when several commands place at once', async () => {
    const formats = ['huggingface', 'wandb', 'lambda', 'runpod', 'ngc'];
    const fields: Record<string, string> = { huggingface: '{"token": "hf_abcdef"}' };
    const all = await Promise.all(
      formats.map((format) => place(format, fields[format] ?? `{"api_key": "${'k'.repeat(40)}"}`)),
    );
    expect(all.map(({ code }) => code)).toEqual(formats.map(() => 0));
    const { stdout } = await lineclear(home.path, ['logout', '--yes']);
    expect(stdout.match(/removed: /g)).toHaveLength(formats.length);
    expect(await home.tree()).toEqual({});
  });

  it('can be placed when the process that did so before died', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid']);
    await home.put('.lineclear/placed.lock', `${stdout.trim()} abc`);
    expect((await place('huggingface', '{"token": "hf_abcdef"}')).code).toBe(0);
  });

  it('wait for another command that is placing, but not without end', async () => {
    await home.put('.lineclear/placed.lock', `${process.pid} abc`);
    const env = { LINECLEAR_TIMEOUT_SECONDS: '1' };
    const { code, stderr } = await lineclear(home.path, ['logout', '--yes'], { env });
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${process.pid} is placing credentials`);
    expect(await home.read('.lineclear/placed.lock')).toBe(`${process.pid} abc`);
  });

  it('are listed and hidden in output also for a profile of their own', async () => {
    await place('aws', AWS, '--profile', 'team');
    const { stdout } = await lineclear(home.path, ['credentials']);
    expect(stdout).toMatch(/^aws +team +\S+ +lineclear +aws\.team\.access_key, aws\.team\.secret_key$/m);
    const cat = ['--secret', 'aws.team.access_key=KEY', '--', 'cat', `${home.path}/.aws/credentials`];
    expect((await lineclear(home.path, ['run', ...cat])).stdout).toMatch(/secret_access_key = \[secret\]/);
  });

  it('are not placed where the record of them is open to others', async () => {
    await place('huggingface', '{"token": "hf_abcdef"}');
    await home.put('.lineclear/placed.json', await home.read('.lineclear/placed.json'), 0o644);
    const { code, stderr } = await place('wandb', WANDB);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('open to others') });
    expect(Object.keys(await home.tree())).not.toContain('.netrc');
  });
});
