import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear, type Ran } from './world.fixture.js';

const AWS = JSON.stringify({ access_key: 'AKIAABCDEFGHIJKLMNOP', secret_key: 'secret-of-aws' });
let home: Home;
let there: Home;
let bin: Home;

/** An ssh that does what a host with the home folder `there` would do, in a shell of its own. */
const SSH = (away: string): string => `#!/bin/sh
[ "$1 $2" = "-T --" ] || exit 64
[ "$3" = ada@gpu-1 ] || { echo "ssh: connect to host $3: refused" >&2; exit 255; }
echo "Welcome to gpu-1"
exec env -i HOME='${away}' PATH="$PATH" sh -c "$4"
`;

beforeEach(async () => {
  [home, there, bin] = [await makeHome(), await makeHome(), await makeHome()];
  await writeFile(join(bin.path, 'ssh'), SSH(there.path));
  await chmod(join(bin.path, 'ssh'), 0o755);
});
afterEach(async () => {
  for (const one of [home, there, bin]) await one.remove();
});

const run = (args: readonly string[], input = ''): Promise<Ran> =>
  lineclear(home.path, args, { input, env: { PATH: `${bin.path}:${process.env['PATH']}` } });
const place = (format: string, input: string, ...flags: string[]): Promise<Ran> =>
  run(['place', format, '--ssh', 'ada@gpu-1', ...flags], input);

describe('credentials that are placed on another machine', () => {
  it('are in the files that its tools read, for the owner alone, until logout leaves all as it was', async () => {
    await there.put('.aws/credentials', "# mine, and it's\n[other]\naws_access_key_id=x\n", 0o640);
    await there.put('.ssh/known_hosts', 'a\n', 0o644);
    const before = await there.tree();
    expect(await place('aws', AWS)).toEqual({
      code: 0,
      stdout: 'ada@gpu-1:~/.aws/credentials: written\n',
      stderr: '',
    });
    expect((await place('huggingface', '{"token": "hf_abcdef"}')).code).toBe(0);
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n';
    expect((await place('ssh', JSON.stringify({ private_key: key }), '--profile', 'id_x')).code).toBe(0);
    expect(await there.read('.ssh/id_x')).toBe(key);
    expect(await there.modeOf('.ssh/id_x')).toBe(0o600);
    expect(await there.read('.cache/huggingface/token')).toBe('hf_abcdef');
    expect(await there.read('.aws/credentials')).toContain('secret-of-aws');
    expect(await there.modeOf('.aws/credentials')).toBe(0o600);

    // Nothing of it is on this machine, but what is needed to take it away again.
    expect(await readdir(home.path)).toEqual(['.lineclear']);
    expect(await readdir(join(home.path, '.lineclear/hosts/ada@gpu-1'))).toEqual(['placed.json']);
    expect(await home.modeOf('.lineclear/hosts/ada@gpu-1/placed.json')).toBe(0o600);
    expect((await run(['logout', '--yes'])).stdout).not.toContain('removed');

    const out = await run(['logout', '--yes', '--ssh', 'ada@gpu-1']);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(out.stdout).toContain('removed: aws (default): ada@gpu-1:~/.aws/credentials: as it was\n');
    expect(out.stdout).not.toContain('logged');
    expect(await there.tree()).toEqual(before);
  });

  it('do not take the place of another, unless that is wished, and then it comes back', async () => {
    await there.put('.cache/huggingface/token', 'hf_mine');
    expect(await place('huggingface', '{"token": "hf_theirs"}')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('another one is there and stays'),
    });
    expect(await there.read('.cache/huggingface/token')).toBe('hf_mine');
    expect((await place('huggingface', '{"token": "hf_theirs"}', '--overwrite')).code).toBe(0);
    expect(await there.read('.cache/huggingface/token')).toBe('hf_theirs');
    await run(['logout', '--yes', '--ssh', 'ada@gpu-1']);
    expect(await there.read('.cache/huggingface/token')).toBe('hf_mine');
  });

  it('leave links alone, and say when a host is not reached', async () => {
    const away = await run(['place', 'huggingface', '--ssh', 'gpu-2'], '{"token": "hf_abcdef"}');
    expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('ssh ended with 255') });
    await there.put('elsewhere', 'hf_mine');
    await mkdir(join(there.path, '.cache/huggingface'), { recursive: true });
    await symlink(join(there.path, 'elsewhere'), join(there.path, '.cache/huggingface/token'));
    expect(await place('huggingface', '{"token": "hf_abcdef"}', '--overwrite')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('.cache/huggingface/token is a link'),
    });
    expect(await there.read('elsewhere')).toBe('hf_mine');
    for (const host of ['-oProxyCommand=sh', 'a b', '../x', ''])
      expect(await run(['place', 'huggingface', '--ssh', host], '{"token": "hf_x"}')).toMatchObject({
        code: 2,
      });
    expect(
      await run(['place', 'huggingface', '--ssh', 'a', '--home', '/b'], '{"token": "hf_x"}'),
    ).toMatchObject({
      code: 2,
    });
  });
});
