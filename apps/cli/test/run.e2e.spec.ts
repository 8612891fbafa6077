import { mkdir } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear, type RunOptions } from './world.fixture.js';

const TOKEN = 'hf_abcdefghijklmnop';
let home: Home;

beforeEach(async () => {
  home = await makeHome();
});
afterEach(() => home.remove());

/** Runs a Node program, which prints what it likes. */
const node = (script: string, flags: readonly string[] = [], options: RunOptions = {}) =>
  lineclear(home.path, ['run', ...flags, '--', process.execPath, '-e', script], options);
const printEnv = (...names: string[]) =>
  `console.log(JSON.stringify([${names.map((name) => `process.env.${name} ?? null`).join()}]))`;

describe('a program that is run', () => {
  it('has the credentials of this machine in the variables that tools read', async () => {
    await home.put('.cache/huggingface/token', TOKEN);
    await home.put(
      '.aws/credentials',
      '[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = secret-of-aws\n',
    );
    const { stdout } = await node(printEnv('HF_TOKEN', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'), [
      '--no-mask',
    ]);
    expect(JSON.parse(stdout)).toEqual([TOKEN, 'AKIAABCDEFGHIJKLMNOP', 'secret-of-aws']);
  });

  it('keeps a variable that was set already, and is given nothing that does not go with it', async () => {
    await home.put(
      '.aws/credentials',
      '[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = secret-of-aws\n',
    );
    const script = printEnv('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
    const { stdout, stderr } = await node(script, ['--no-mask'], { env: { AWS_ACCESS_KEY_ID: 'mine' } });
    expect(JSON.parse(stdout)).toEqual(['mine', null]);
    expect(stderr).toBe('lineclear: left out: aws: AWS_ACCESS_KEY_ID has another value already\n');
  });

  it('is given only the secrets that are named, under the names that are wished', async () => {
    await home.put('.cache/huggingface/token', TOKEN);
    await home.put(
      '.ssh/id_rsa',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nxyz\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    const flags = ['--no-mask', '--secret', 'HF_TOKEN=TOKEN', '--secret', 'ssh.private_key=KEY'];
    const { stdout } = await node(printEnv('TOKEN', 'HF_TOKEN', 'KEY?.length'), flags);
    expect(JSON.parse(stdout)).toEqual([TOKEN, null, 74]);
  });

  it('is not run without a secret that was named', async () => {
    const { code, stdout, stderr } = await node('console.log("ran")', ['--secret', 'HF_TOKEN']);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'lineclear: there is no HF_TOKEN on this machine\n',
    });
  });

  it('has what a dotenv file says', async () => {
    await home.put('a.env', 'export DB="one\\ntwo"\nDEBUG=1\n');
    const { stdout } = await node(printEnv('DB', 'DEBUG'), ['--no-mask', '--env-file', `${home.path}/a.env`]);
    expect(JSON.parse(stdout)).toEqual(['one\ntwo', '1']);
  });

  it('is told where a credential is that is a file', async () => {
    const path = '.config/gcloud/application_default_credentials.json';
    await home.put(
      path,
      JSON.stringify({ type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' }),
    );
    const { stdout } = await node(printEnv('GOOGLE_APPLICATION_CREDENTIALS'));
    expect(JSON.parse(stdout)).toEqual([`${home.path}/${path}`]);
  });

  it('reads our input and ends with its exit code', async () => {
    const script =
      'process.stdin.pipe(process.stdout); process.stdin.on("end", () => { process.exitCode = 42 })';
    expect(await node(script, [], { input: 'hello' })).toEqual({ code: 42, stdout: 'hello', stderr: '' });
  });

  it('is not run when it is not there, or is no program', async () => {
    const run = (program: string) => lineclear(home.path, ['run', '--', program]);
    expect(await run('no-such-program')).toEqual({
      code: 127,
      stdout: '',
      stderr: 'lineclear: there is no program no-such-program\n',
    });
    expect(await run(home.path)).toMatchObject({
      code: 126,
      stderr: `lineclear: ${home.path} cannot be run (EACCES)\n`,
    });
  });

  it('is not there either when a folder of PATH may not be looked into', async () => {
    const closed = `${home.path}/closed`;
    await mkdir(closed, { mode: 0 });
    const env = { PATH: `${closed}:/usr/bin` };
    expect(await lineclear(home.path, ['run', '--', 'no-such-program'], { env })).toMatchObject({
      code: 127,
      stderr: 'lineclear: there is no program no-such-program\n',
    });
  });

  it('gets our signals, and ends with the number of the one that ended it', async () => {
    const handlers: ((signal: NodeJS.Signals) => void)[] = [];
    const stdout = new PassThrough();
    const started = vi.fn<(text: Buffer) => void>();
    stdout.on('data', started);
    const ending = node('console.log("up"); setInterval(() => {}, 1000)', [], {
      stdout,
      onSignal: (handler) => {
        handlers.push(handler);
        return () => handlers.splice(0);
      },
    });
    await vi.waitFor(() => expect(started).toHaveBeenCalled());
    handlers[0]?.('SIGTERM');
    expect((await ending).code).toBe(128 + 15);
    expect(handlers).toEqual([]);
  });
});

describe('the output of a program', () => {
  const print = (stream: string) =>
    `const t = process.env.HF_TOKEN; const all = [t, JSON.stringify({ t }), encodeURIComponent(t), Buffer.from("user:" + t).toString("base64")];
     process.${stream}.write("a " + all.join(" b ") + " c\\n")`;

  it.each(['stdout', 'stderr'] as const)('does not show a value in any form, on %s', async (stream) => {
    const env = { HF_TOKEN: 'hf_a/b+c"d e~f' };
    const ran = await node(print(stream), [], { env });
    expect(ran[stream]).toMatch(
      /^a \[secret\] b \{"t":"\[secret\]"\} b \[secret\] b dXNlc\S{0,3}\[secret\]\S{0,3} c\n$/,
    );
  });

  it('does not show a value that is written bit by bit', async () => {
    await home.put('.cache/huggingface/token', TOKEN);
    const script = `const t = "<" + process.env.HF_TOKEN + ">"; let at = 0;
      const next = () => { if (at < t.length) process.stdout.write(t[at++], next) }; next()`;
    expect((await node(script)).stdout).toBe('<[secret]>');
  });

  it('does not show what the program read by itself', async () => {
    await home.put('.cache/huggingface/token', TOKEN);
    await home.put('a.env', 'DB_PASSWORD=from-the-file\n');
    const script = `console.log(require("fs").readFileSync(process.env.HOME + "/.cache/huggingface/token", "utf8"), process.env.DB_PASSWORD, process.env.LINECLEAR_API_KEY)`;
    const flags = ['--env-file', `${home.path}/a.env`, '--secret', 'DB_PASSWORD'];
    const { stdout } = await node(script, flags, { env: { LINECLEAR_API_KEY: 'lc_abcdef' } });
    expect(stdout).toBe('[secret] [secret] [secret]\n');
  });

  it('is as it is with --no-mask', async () => {
    await home.put('.cache/huggingface/token', TOKEN);
    expect((await node('console.log(process.env.HF_TOKEN)', ['--no-mask'])).stdout).toBe(`${TOKEN}\n`);
  });

  it('may end before the program does', async () => {
    const stdout = new PassThrough();
    stdout.once('data', () => stdout.destroy());
    const script =
      'process.stdout.on("error", () => process.exit(3)); setInterval(() => console.log("x".repeat(1e5)), 1)';
    const { code } = await node(script, [], { stdout });
    expect(code).toBe(3);
  });
});
