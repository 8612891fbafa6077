import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, startFakeKubernetes } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { filesOf, runCli, typeInto, type Ran } from './command.js';
import { person } from './furnish.js';

const VALUES = {
  huggingface: 'hf_value-of-hugging-face',
  aws: 'value/of+aws/secret/key',
  ngc: 'value-of-ngc',
  ssh: 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ',
  wandb: 'value-of-wandb-value-of-wandb-value-of-wandb',
  placed: 'value-of-what-was-placed',
  first: 'value-of-the-first-version',
  second: 'value-of-the-second-version',
};

const PATIENT = { timeout: 60_000, interval: 200 };

let scratch: string;
let house: House;
let key: string;
let home: string;
let homes = 0;
let printed = '';

beforeAll(async () => {
  scratch = makeScratchFolder('cli');
  house = await startHouse({
    home: join(scratch, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_LOG_LEVEL: 'warn' },
  });
  ({ key } = await person(house.url, client(house.url, house.adminKey), 'ada', 'researcher'));
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await rm(scratch, { recursive: true, force: true });
}, 60_000);

beforeEach(async () => {
  home = join(scratch, `home${homes++}`);
  await mkdir(home);
});

/** The command as people run it, in this test's home folder. */
async function lineclear(
  args: readonly string[],
  input = '',
  env: Record<string, string> = {},
): Promise<Ran> {
  const ran = await runCli(args, { HOME: home, ...env }, input);
  printed += ran.stdout + ran.stderr;
  return ran;
}
const login = (...flags: string[]): Promise<Ran> =>
  lineclear(['login', '--url', house.url, '--key-stdin', ...flags], key);
const done = (stdout: unknown) => ({ code: 0, stderr: '', stdout });
const has = (text: string): unknown => expect.stringContaining(text);

async function put(below: string, content: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(join(home, below)), { recursive: true });
  await writeFile(join(home, below), content, { mode });
}

it('logs in and saves, places, runs without telling, and leaves every file as it was', async () => {
  await put('.cache/huggingface/token', VALUES.huggingface);
  await put(
    '.aws/credentials',
    `# mine\r\n[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key=${VALUES.aws}\n`,
    0o640,
  );
  const before = await filesOf(home);
  const first = await login('--yes');
  expect(first).toMatchObject(done(has(`logged in at ${house.url} as ada`)));
  expect(first.stdout).toContain('saved: huggingface');
  expect(first.stdout).toMatch(/saved: aws .* as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY/);
  expect((await login('--yes')).stdout).toContain('in Lineclear already: aws');
  const { stdout: list } = await lineclear(['secrets', 'list', '--json']);
  const names = (JSON.parse(list) as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'HF_TOKEN']);
  expect(await filesOf(home)).toEqual(before);

  const placed = JSON.stringify({ access_key: 'AKIAPONMLKJIHGFEDCBA', secret_key: VALUES.placed });
  expect(await lineclear(['place', 'aws', '--profile', 'team'], placed)).toMatchObject(
    done(has(': written')),
  );
  const api = JSON.stringify({ api_key: VALUES.wandb });
  expect(await lineclear(['place', 'wandb'], api)).toMatchObject(done(has('.netrc: written')));
  for (const file of ['.netrc', '.aws/credentials', '.lineclear/cli.json', '.lineclear/placed.json'])
    expect((await lstat(join(home, file))).mode & 0o777, file).toBe(0o600);

  const script = `const { WANDB_API_KEY: w, AWS_SECRET_ACCESS_KEY: a } = process.env;
    process.stdout.write("<" + w.slice(0, 9)); setImmediate(() => console.log(w.slice(9) + ">", encodeURIComponent(a)));
    console.error(Buffer.from("user:" + w).toString("base64")); process.exitCode = 7`;
  const ran = await lineclear(['run', '--', process.execPath, '-e', script]);
  expect(ran).toMatchObject({ code: 7, stdout: '<[secret]> [secret]\n' });
  expect(ran.stderr).toContain('[secret]');

  expect(await lineclear(['logout', '--yes'])).toMatchObject(done(has('logged out')));
  expect(await filesOf(home)).toEqual(before);
  expect(await lineclear(['secrets', 'list'])).toMatchObject({ code: 3 });
  expectNoValue();
}, 60_000);

it('loads down to another machine what was saved on this one, until it logs out there', async () => {
  await put('.cache/huggingface/token', VALUES.huggingface);
  await login('--yes', '--no-download');
  home = join(scratch, `elsewhere${homes}`);
  await mkdir(home);
  await put('.cache/unrelated', 'of somebody else');
  const before = await filesOf(home);
  const asked = await login('--no-upload');
  expect(asked).toMatchObject(done(has('in Lineclear, not here: huggingface; --yes loads it down')));
  expect(await filesOf(home)).toEqual(before);
  const loaded = await login('--no-upload', '--yes');
  expect(loaded.stdout).toMatch(/loaded: huggingface: .*token \(written\)/);
  expect(await readFile(join(home, '.cache/huggingface/token'), 'utf8')).toBe(VALUES.huggingface);
  expect((await lstat(join(home, '.cache/huggingface/token'))).mode & 0o777).toBe(0o600);
  expect((await login('--no-upload', '--yes')).stdout).not.toContain('loaded: huggingface');
  expect(await lineclear(['logout', '--yes'])).toMatchObject(done(has('logged out')));
  expect(await filesOf(home)).toEqual(before);
  expectNoValue();
}, 60_000);

it('prints a value when it is asked for by its name, and hands one over by a link', async () => {
  await login('--no-upload', '--no-download');
  const value = 'a "value" with $dollars\nand a second line';
  await lineclear(['secrets', 'set', 'asked.for'], value);
  await lineclear(['secrets', 'set', 'asked.too'], 'plain');
  const asked = printed;
  expect(await lineclear(['secrets', 'get', 'asked.for'])).toEqual(done(value));
  expect(await lineclear(['secrets', 'get', 'asked.none'])).toMatchObject({
    code: 4,
    stderr: has('asked.none'),
  });
  const exported = await lineclear(['secrets', 'export', '--prefix', 'asked.']);
  await put('exported.env', exported.stdout);
  const again = await lineclear(['secrets', 'import', join(home, 'exported.env'), '--dry-run']);
  expect(again.code).toBe(0);
  const json = await lineclear(['secrets', 'export', '--prefix', 'asked.', '--format', 'json']);
  expect(JSON.parse(json.stdout)).toEqual({ 'asked.for': value, 'asked.too': 'plain' });
  const link = await lineclear(['secrets', 'link', 'asked.too', '--expires', '30m', '--json']);
  const token = new URL((JSON.parse(link.stdout) as { url: string }).url).hash.slice(1);
  const open = () => client(house.url).post('/api/secrets/-/links/open', { token });
  expect((await open()).body).toEqual({ name: 'asked.too', value: 'plain' });
  expect((await open()).status).toBe(404);
  // What was asked for was meant to be seen.
  printed = asked;
}, 60_000);

it('sets, shows, takes back and removes a secret', async () => {
  await login('--no-upload', '--no-download');
  await put('value', `${VALUES.second}\n`);
  const value = join(home, 'value');
  const set = ['secrets', 'set', 'ML_KEY', '--description', 'the key', '--expires', '90d'];
  expect(await lineclear(set, `${VALUES.first}\n`)).toEqual(done('ML_KEY is set, version 1\n'));
  const again = ['secrets', 'set', 'ML_KEY', '--from-file', value, '--expected-version'];
  expect(await lineclear([...again, '0'])).toMatchObject({ code: 1, stderr: has('is 1, not 0') });
  expect(await lineclear([...again, '1'])).toEqual(done('ML_KEY is set, version 2\n'));
  const fromEnv = ['secrets', 'set', 'ML_KEY', '--from-env', 'GIVEN', '--json'];
  const answered = await lineclear(fromEnv, '', { GIVEN: VALUES.first });
  expect(JSON.parse(answered.stdout)).toEqual({ name: 'ML_KEY', version: 3 });
  const { stdout: versions } = await lineclear(['secrets', 'versions', 'ML_KEY']);
  expect(versions).toMatch(/\n3 .* current\n2 .*\d\n1 .* the same as current\n$/);
  expect(await lineclear(['secrets', 'rollback', 'ML_KEY', '2'])).toEqual(
    done('ML_KEY is as it was in version 2, which is now version 4\n'),
  );
  expect((await lineclear(['secrets', 'list'])).stdout).toMatch(/^ML_KEY +4 .* store/m);
  expect((await lineclear(['secrets', 'explain', 'ML_KEY'])).stdout).toMatch(
    /^ML_KEY comes from store \(user\)\nSOURCE .*\n(.*\n)*store +user +has it +4/,
  );
  expect(await lineclear(['secrets', 'rm', 'ML_KEY'])).toMatchObject(done(has('is removed')));
  expect((await lineclear(['secrets', 'list', '--removed'])).stdout).toMatch(/^ML_KEY /m);
  expect(await lineclear(['secrets', 'undelete', 'ML_KEY'])).toEqual(done('ML_KEY is back, version 4\n'));
  const { stdout: history } = await lineclear(['secrets', 'history', 'ML_KEY', '--limit', '3']);
  expect(history).toMatch(/^AT .*\n.* undeleted .*\n.* removed .*\n.* set +4 +as version 2 +user \d+\n$/);
  expect(await lineclear(['secrets', 'rm', 'ML_KEY', '--purge'])).toMatchObject({
    code: 2,
    stderr: has('--yes'),
  });
  expect(await lineclear(['secrets', 'rm', 'ML_KEY', '--purge', '--yes'])).toEqual(
    done('ML_KEY is removed for good\n'),
  );
  expect(await lineclear(['secrets', 'history', 'ML_KEY'])).toMatchObject({ code: 4, stderr: has('ML_KEY') });
  expect(await lineclear(['secrets', 'list', '--scope', 'global'])).toMatchObject({
    code: 4,
    stderr: has('admin.config'),
  });
  expectNoValue();
}, 60_000);

it('imports a dotenv file, again without changing anything, and over what is there when that is wished', async () => {
  await login('--no-upload', '--no-download');
  await put('a.env', `export IMPORT_A="${VALUES.first}" # one\nIMPORT_B='${VALUES.second}'\n`);
  const args = ['secrets', 'import', join(home, 'a.env'), '--json'];
  const outcomes = async (...flags: string[]) => {
    const { code, stdout } = await lineclear([...args, ...flags]);
    const { imported } = JSON.parse(stdout) as { imported: { outcome: string; version?: number }[] };
    return [code, ...imported.map(({ outcome, version = '' }) => `${outcome} ${version}`)];
  };
  expect(await outcomes('--dry-run')).toEqual([0, 'set 1', 'set 1']);
  expect(await outcomes()).toEqual([0, 'set 1', 'set 1']);
  expect(await outcomes()).toEqual([0, 'kept 1', 'kept 1']);
  await put(
    'a.env',
    `IMPORT_A=${VALUES.second}\nIMPORT_B=${VALUES.second}\nchannel.x=${VALUES.first}\nIMPORT_C=`,
  );
  expect(await outcomes('--overwrite')).toEqual([1, 'set 2', 'set again 2', 'refused ', 'refused ']);
  const json = ['secrets', 'import', '-', '--format', 'json'];
  const fromJson = await lineclear(json, JSON.stringify({ IMPORT_E: VALUES.first }));
  expect(fromJson).toMatchObject(done(expect.stringMatching(/^IMPORT_E +set +1$/m)));
  const stdin = await lineclear(['secrets', 'import', '-'], `IMPORT_D=${VALUES.first}\nno assignment`);
  expect(stdin).toMatchObject({ code: 1, stderr: 'lineclear: -: line 2 is not NAME=value\n' });
  expectNoValue();
}, 60_000);

it('places in Kubernetes what is in Lineclear, and imports what is in Kubernetes', async () => {
  const cluster = await startFakeKubernetes();
  onTestFinished(() => cluster.close());
  await put('.kube/config', cluster.kubeconfig());
  await put('.cache/huggingface/token', VALUES.huggingface);
  await login('--yes');
  const env = { USER: 'ada' };
  const place = ['place', 'huggingface', '--kubernetes', '--from-store'];
  expect(await lineclear(place, '', env)).toMatchObject(
    done(has('# Secret lc-ada-huggingface in default: made')),
  );
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  expect(cluster.secrets.get('default', 'lc-ada-huggingface').data).toEqual({
    HF_TOKEN: base64(VALUES.huggingface),
  });
  expect(await lineclear(['place', 'huggingface', '--from-store'])).toMatchObject(
    done(has('has it already')),
  );
  expect(await lineclear(['place', 'cohere', '--kubernetes', '--from-store'], '', env)).toMatchObject({
    code: 4,
    stderr: has('there is no cohere of your own in Lineclear'),
  });
  const data = { KEY: base64(VALUES.first), 'app.json': base64(VALUES.second) };
  cluster.secrets.create('default', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'theirs' }, data });
  const outcomes = async (...flags: string[]) => {
    const { stdout } = await lineclear(['secrets', 'import', '--kubernetes', 'theirs', '--json', ...flags]);
    const { imported } = JSON.parse(stdout) as { imported: { name: string; outcome: string }[] };
    return imported.map(({ name, outcome }) => `${name} ${outcome}`);
  };
  expect(await outcomes()).toEqual(['theirs.KEY set', 'theirs.app.json set']);
  expect(await outcomes()).toEqual(['theirs.KEY kept', 'theirs.app.json kept']);
  expect(await outcomes('--overwrite')).toEqual(['theirs.KEY set again', 'theirs.app.json set again']);
  const asked = printed;
  expect(await lineclear(['secrets', 'get', 'theirs.KEY'])).toEqual(done(VALUES.first));
  printed = asked;
  expectNoValue();
}, 60_000);

it('submits a job that gets what a login saved, and follows what it prints', async () => {
  await put('.ngc/config', `[CURRENT]\napikey = ${VALUES.ngc}\n`);
  await login('--yes');
  const job = (script: string) =>
    JSON.stringify({
      config_name: 'of-the-cli',
      config: { command: [process.execPath, '-e', script] },
      hardware: 'local',
      estimated_duration_seconds: 10,
      secrets: ['NGC_API_KEY'],
    });
  const submit = async (script: string) => {
    const { stdout } = await lineclear(['jobs', 'submit', '-', '--provider', 'local', '--json'], job(script));
    return (JSON.parse(stdout) as { job_id: string }).job_id;
  };
  const id = await submit(`console.log("a key of", process.env.NGC_API_KEY.length, "characters")`);
  const said = `a key of ${VALUES.ngc.length} characters\n`;
  expect(await lineclear(['jobs', 'logs', id, '-f'])).toEqual(done(said));
  expect(await lineclear(['jobs', 'logs', id])).toEqual(done(said));
  await vi.waitFor(
    async () => expect((await lineclear(['jobs', 'show', id])).stdout).toMatch(/^status +completed$/m),
    PATIENT,
  );
  const endless = await submit('setInterval(() => {}, 1000)');
  expect((await lineclear(['jobs', 'list', '--limit', '2'])).stdout).toMatch(
    new RegExp(`^JOB .*\\n${endless} .* of-the-cli +ada .*\\n${id} +completed`),
  );
  expect(await lineclear(['jobs', 'cancel', endless])).toMatchObject(done(has(`${endless} is cancel`)));
  await vi.waitFor(
    async () =>
      expect((await lineclear(['jobs', 'list', '--status', 'cancelled'])).stdout).toContain(endless),
    PATIENT,
  );
  const again = await lineclear(['jobs', 'cancel', endless]);
  expect(again).toMatchObject({ code: 1, stderr: has('the job is cancelled already') });
  const none = await lineclear(['jobs', 'logs', `job_${'0'.repeat(32)}`, '-f']);
  expect(none).toMatchObject({ code: 4 });
  expectNoValue();
}, 120_000);

it('submits an array, shows how its jobs come on, and cancels what is left of it', async () => {
  await login('--yes');
  const sweep = {
    config_name: 'sweep',
    config: { command: [process.execPath, '-e', 'setInterval(() => {}, {{ms}})'] },
    hardware: 'local',
    parameters: { ms: [1000, 2000, 3000] },
    max_parallel: 1,
  };
  const { stdout } = await lineclear(['jobs', 'submit', '-', '--provider', 'local'], JSON.stringify(sweep));
  expect(stdout).toMatch(/^arr_\S+\nJOB .*\n(job_.*\{"ms":\d000\}\n){3}$/);
  const id = stdout.split('\n')[0]!;
  const { stdout: json } = await lineclear(['jobs', 'show', id, '--json']);
  expect(JSON.parse(json)).toMatchObject({ array_id: id, total: 3 });
  expect(await lineclear(['jobs', 'cancel', id])).toEqual(
    done(`3 jobs of ${id} are cancelled, or asked to stop\n`),
  );
  await vi.waitFor(
    async () =>
      expect((await lineclear(['jobs', 'show', id])).stdout).toMatch(/(job_\S+ +cancelled .*\n){3}$/),
    PATIENT,
  );
}, 120_000);

it('submits a job that finds the file of a credential where its tools look for it', async () => {
  const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${VALUES.ssh}\n-----END OPENSSH PRIVATE KEY-----\n`;
  await put('.ssh/id_ed25519', key);
  await login('--yes');
  const script = `const { size, mode } = require('node:fs').statSync(process.env.HOME + '/.ssh/id_ed25519');
    console.log('a file of', size, 'bytes, mode', (mode & 0o777).toString(8));`;
  const job = JSON.stringify({
    config_name: 'with-a-key',
    config: { command: [process.execPath, '-e', script] },
    hardware: 'local',
  });
  const submit = (...flags: string[]) =>
    lineclear(['jobs', 'submit', '-', '--provider', 'local', '--json', ...flags], job);
  const { stdout } = await submit('--credential', 'ssh:id_ed25519');
  const { job_id: id } = JSON.parse(stdout) as { job_id: string };
  expect(await lineclear(['jobs', 'logs', id, '-f'])).toEqual(
    done(`a file of ${key.length} bytes, mode 400\n`),
  );
  expect(await submit('--credential', 'ssh:id_rsa')).toMatchObject({
    code: 1,
    stderr: has('ssh:id_rsa is not in Lineclear'),
  });
  expect(await submit('--credential', 'sshd')).toMatchObject({ code: 2 });
  expectNoValue();
}, 60_000);

it('shares a secret with somebody, who gives it a name of theirs, and takes it back', async () => {
  const cleo = await person(house.url, client(house.url, house.adminKey), 'cleo', 'researcher');
  const hers = (...args: string[]) =>
    lineclear(['secrets', ...args], '', { LINECLEAR_URL: house.url, LINECLEAR_API_KEY: cleo.key });
  await login('--no-upload');
  await lineclear(['secrets', 'set', 'FOR_CLEO'], VALUES.first);
  expect(await lineclear(['secrets', 'rename', 'FOR_CLEO', 'LENT'])).toEqual(done('FOR_CLEO is LENT now\n'));
  const shared = await lineclear(['secrets', 'share', 'LENT', '--everyone', '--expires', '1d']);
  const share = /share (\d+)/.exec(shared.stdout)?.[1] ?? '';
  expect((await hers('shared')).stdout).toMatch(new RegExp(`^${share} +LENT +user \\d+ +read +20`, 'm'));
  expect(await hers('shared', share, '--as', 'BORROWED')).toEqual(done('jobs get it as BORROWED\n'));
  expect((await hers('get', 'BORROWED')).stdout).toBe(VALUES.first);
  printed = printed.replaceAll(VALUES.first, '');
  expect((await lineclear(['secrets', 'share', 'LENT'])).stdout).toMatch(
    /everyone +read .*BORROWED \(user \d+\)/,
  );
  expect(await lineclear(['secrets', 'share', 'LENT', '--stop', share])).toMatchObject({ code: 0 });
  expect(await hers('get', 'BORROWED')).toMatchObject({ code: 4 });
  expect(await lineclear(['secrets', 'share', 'LENT', '--team', '1', '--everyone'])).toMatchObject({
    code: 2,
  });
  expectNoValue();
}, 120_000);

it('revokes its key', async () => {
  const { key: another } = await person(house.url, client(house.url, house.adminKey), 'bea', 'researcher');
  await lineclear(['login', '--url', house.url, '--key-stdin', '--no-upload'], another);
  expect(await lineclear(['logout', '--revoke'])).toMatchObject(done(has('the key is revoked')));
  const env = { LINECLEAR_URL: house.url, LINECLEAR_API_KEY: another };
  expect(await lineclear(['secrets', 'list'], '', env)).toMatchObject({ code: 3 });
}, 60_000);

it('asks for the key at a terminal, and does not show what is typed', async () => {
  const flags = ['--url', house.url, '--no-upload', '--no-download'];
  const out = await typeInto(['login', ...flags], { HOME: home }, `${key}\n`);
  expect(out).toContain('API key: ');
  expect(out).toContain('as ada');
  expect(out).not.toContain(key);
}, 60_000);

function expectNoValue(): void {
  for (const value of [...Object.values(VALUES), key])
    for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64').slice(0, -4)])
      expect(printed).not.toContain(form);
}
