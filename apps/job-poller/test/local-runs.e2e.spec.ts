import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveSecrets } from '@lineclear/contracts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ DATABASE_MARKER: 'of-the-service' });
});
afterAll(async () => bench?.stop());

const local = (
  command: string[],
  more: Partial<Claim> & { env?: Record<string, string> } = {},
): Promise<Claim> => {
  const { env, ...rest } = more;
  return bench.claim({
    provider: 'local',
    hardware: 'local',
    config: { command, ...(env ? { env } : {}) },
    ...rest,
  });
};
const sh = (script: string, more: Parameters<typeof local>[1] = {}): Promise<Claim> =>
  local(['/bin/sh', '-c', script], more);
const folderOf = (claim: Claim): string => join(bench.env['LINECLEAR_RUNS_DIR']!, keyOf(claim));
const logOf = async (claim: Claim): Promise<string> => {
  const rows = await bench.service.database.query<{ text: string }>(
    'select text from run_logs l join runs r on r.id = l.run_id where r.job_id = $1 order by seq',
    [claim.job_id],
  );
  return rows.map(({ text }) => text).join('');
};
const running = (claim: Claim): Promise<void> =>
  vi.waitFor(() => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running' }), PATIENCE);

describe('a process of this machine', () => {
  it.each([
    ['exit 0', { outcome: 'succeeded', exit_code: 0 }],
    ['echo ended badly >&2; exit 3', { outcome: 'failed', exit_code: 3, message: 'exit code 3' }],
    ['kill -KILL $$', { outcome: 'failed', exit_code: 137, message: 'ended by signal 9' }],
  ])('%s', async (script, expected) => {
    expect(await bench.end(await sh(script))).toMatchObject(expected);
  });

  it('fails when there is no such program', async () => {
    expect(await bench.end(await local(['no-such-program-anywhere', 'x']))).toMatchObject({
      outcome: 'failed',
      // 126 where the PATH has a folder that this user may not look into.
      exit_code: expect.toBeOneOf([126, 127]),
    });
  });

  it.each([
    ['no command', {}, 'config.command'],
    ['a command that is text', { command: 'ls -l' }, 'config.command'],
    ['an unknown key', { command: ['ls'], shell: true }, 'shell'],
    [
      'a folder that is not there',
      { command: ['ls'], working_directory: '/no/such/folder' },
      'working_directory',
    ],
  ])('refuses %s', async (_, config, field) => {
    expect(await bench.end(await bench.claim({ provider: 'local', config }))).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining(field),
    });
  });

  it('refuses an output path that leaves the folder of the run, and makes one that does not', async () => {
    expect(await bench.end(await sh('true', { output_path: '../../elsewhere' }))).toMatchObject({
      outcome: 'refused',
    });
    expect(await bench.end(await sh('true', { output_path: 's3://bucket/x' }))).toMatchObject({
      outcome: 'refused',
    });
    const claim = await sh('echo done > "$LINECLEAR_OUTPUT_DIR/result"', { output_path: 'models/a' });
    expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
    expect(readFileSync(join(folderOf(claim), 'output/models/a/result'), 'utf8')).toBe('done\n');
  });

  it('has a clean environment: nothing of the service, its own folders, its variables', async () => {
    const claim = await sh('env; pwd', { env: { EPOCHS: '3', LINECLEAR_RUN_KEY: 'forged' } });
    await bench.end(claim);
    const log = await logOf(claim);
    const names = log
      .split('\n')
      .map((line) => line.split('=')[0]!)
      .filter((name) => /^[A-Z_]+$/.test(name));
    expect(names.filter((name) => !['OLDPWD', 'SHLVL', '_'].includes(name)).sort()).toEqual(
      [
        'EPOCHS',
        'HOME',
        'LANG',
        'LINECLEAR_ATTEMPT',
        'LINECLEAR_CHECKPOINT_DIR',
        'LINECLEAR_JOB_ID',
        'LINECLEAR_OUTPUT_DIR',
        'LINECLEAR_RUN_KEY',
        'PATH',
        'PWD',
      ].sort(),
    );
    expect(log).toContain(`LINECLEAR_RUN_KEY=${keyOf(claim)}\n`);
    expect(log).toContain(`HOME=${folderOf(claim)}\n`);
    expect(log).not.toContain(bench.env['DATABASE_URL']);
  });

  it('tells another attempt where the one before left its checkpoints', async () => {
    const first = await sh('echo 7 > "$LINECLEAR_CHECKPOINT_DIR/step"; exit 1');
    await bench.end(first);
    const second = await sh('exit 1', { job_id: first.job_id, attempt: 2 });
    await bench.end(second);
    const third = await sh('cat "$LINECLEAR_RESUME_FROM/step"', { job_id: first.job_id, attempt: 3 });
    expect(await bench.end(third)).toMatchObject({ outcome: 'succeeded' });
    expect(await logOf(third)).toBe('7\n');
  });

  it('runs the training script of the examples and reads its progress', async () => {
    const script = fileURLToPath(new URL('../../../examples/digits/train.mjs', import.meta.url));
    const claim = await local(['node', script, '--epochs', '2', '--epoch-pause-ms', '300']);
    expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded', exit_code: 0 });
    expect(bench.observed(claim).at(-1)).toMatchObject({
      epoch: 2,
      progress: 1,
      step: expect.any(Number),
      metrics: { loss: expect.any(Number), accuracy: expect.any(Number) },
    });
    expect(existsSync(join(folderOf(claim), 'output/model.json'))).toBe(true);
    expect(await logOf(claim)).toContain('done test_accuracy=');
  });
});

describe('stopping', () => {
  it('asks with SIGTERM, and the run is cancelled', async () => {
    const claim = await sh('trap "echo bye; exit 143" TERM; echo up; while :; do sleep 0.05; done');
    await running(claim);
    await vi.waitFor(async () => expect(await logOf(claim)).toContain('up'), PATIENCE);
    await bench.cancel(claim);
    expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled', exit_code: 143 });
    expect(await logOf(claim)).toContain('bye');
  });

  it('kills what does not listen, with all that it started', async () => {
    const claim = await sh('trap "" TERM; sh -c "while :; do sleep 0.05; done" & echo child=$!; wait');
    await running(claim);
    await vi.waitFor(async () => expect(await logOf(claim)).toContain('child='), PATIENCE);
    await bench.cancel(claim);
    expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });
    const child = Number(/child=(\d+)/.exec(await logOf(claim))?.[1]);
    await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow('ESRCH'), PATIENCE);
  });

  it('stops a run that has run too long', async () => {
    expect(await bench.end(await sh('sleep 60', { max_runtime_seconds: 1 }))).toMatchObject({
      outcome: 'timed_out',
    });
  });

  it('says lost when someone kills the process and its supervisor', async () => {
    const claim = await sh('sleep 60');
    await running(claim);
    const pid = Number(readFileSync(join(folderOf(claim), 'pid'), 'utf8').split('\n')[0]);
    process.kill(-pid, 'SIGKILL');
    expect(await bench.end(claim)).toMatchObject({ outcome: 'lost' });
  });
});

it('runs go on while the service is away; one that ended meanwhile, and one that still runs, are found again', async () => {
  const waitFor = (file: string): string => `while [ ! -e ${file} ]; do sleep 0.02; done`;
  const going = await sh(`echo one; ${waitFor('go')}; echo two; ${waitFor('end')}; echo three`);
  const over = await sh(`${waitFor('go')}; exit 4`);
  await running(going);
  await running(over);
  await bench.restart(async () => {
    for (const claim of [going, over]) writeFileSync(join(folderOf(claim), 'go'), '');
    await vi.waitFor(() => expect(existsSync(join(folderOf(over), 'exit'))).toBe(true), PATIENCE);
  });
  expect(await bench.end(over)).toMatchObject({ outcome: 'failed', exit_code: 4 });
  await vi.waitFor(async () => expect(await logOf(going)).toBe('one\ntwo\n'), PATIENCE);
  writeFileSync(join(folderOf(going), 'end'), '');
  expect(await bench.end(going)).toMatchObject({ outcome: 'succeeded' });
  expect(await logOf(going)).toBe('one\ntwo\nthree\n');
});

it('gives a run its secrets, and keeps them out of everything that is written', async () => {
  const canary = 'canary-5f1c9d2b-value';
  const pem = `-----BEGIN KEY-----\n${'Q'.repeat(40)}\n-----END KEY-----`;
  const { asked } = answerSecrets(bench.peer, { CANARY: canary, PEM: pem });
  const claim = await sh(
    '[ ${#CANARY} = 21 ] || exit 9; echo "token is $CANARY"; echo "$PEM"; echo "said by itself: $(echo "$PEM" | sed -n 2p)!"; echo "stage=$CANARY step=3"; printf "no line end $CANARY"',
    {
      secrets: ['CANARY', 'PEM'],
    },
  );
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  const log = await logOf(claim);
  expect(log).toContain('token is [secret]\n');
  expect(log).toMatch(/no line end \[secret\]$/);
  expect(log).not.toContain('QQQQ');
  expect(log).toContain('said by itself: [secret]!\n');
  expect(asked).toEqual([{ names: ['CANARY', 'PEM'], purpose: 'run' }]);

  const tables = await bench.service.database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  for (const { name } of tables) {
    const rows = await bench.service.database.query<{ row: string }>(
      `select t::text as row from "${name}" t`,
    );
    expect(
      rows.filter(({ row }) => row.includes(canary) || row.includes('QQQQ')),
      name,
    ).toEqual([]);
  }
  const events = [...bench.started(claim), ...bench.observed(claim), ...bench.ended(claim)];
  expect(JSON.stringify(events)).not.toContain(canary);
  for (const file of readdirSync(folderOf(claim), { recursive: true, withFileTypes: true })) {
    if (file.isFile())
      expect(readFileSync(join(file.parentPath, file.name), 'utf8'), file.name).not.toContain(canary);
  }
});

it('gives a run its secrets in files, for their owner alone, and takes them away when it is over', async () => {
  const key = `-----BEGIN KEY-----\n${'K'.repeat(40)}\n-----END KEY-----\n`;
  answerSecrets(bench.peer, { SSH: key, APP: 'canary-of-the-app', TOKEN: 'canary-of-the-token' });
  const script = [
    'stat -c "%a %n" ~/.ssh/id_ed25519 "$LINECLEAR_SECRETS_DIR/APP/config.json" | sed "s#$HOME#~#"',
    '[ "$APP_CONFIG" = "$LINECLEAR_SECRETS_DIR/APP/config.json" ] && echo told',
    '[ "$OTHER" = canary-of-the-"token" ] && [ -z "$TOKEN" ] && echo renamed',
    'cat ~/.ssh/id_ed25519 "$APP_CONFIG"; cmp ~/.ssh/id_ed25519 "$LINECLEAR_OUTPUT_DIR"/x; wc -c < ~/.ssh/id_ed25519',
  ].join('\n');
  const claim = await sh(script, {
    secrets: ['SSH', 'APP', 'TOKEN'],
    secret_uses: [
      { name: 'SSH', file: '~/.ssh/id_ed25519' },
      { name: 'APP', file: 'config.json', env: 'APP_CONFIG' },
      { name: 'TOKEN', env: 'OTHER' },
    ],
  });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  const log = await logOf(claim);
  expect(log).toContain('400 ~/.ssh/id_ed25519\n400 ~/secrets/APP/config.json\ntold\nrenamed\n');
  expect(log).toContain(`\n${key.length}\n`);
  expect(log).not.toMatch(/KKKK|canary/);
  for (const file of readdirSync(folderOf(claim), { recursive: true, withFileTypes: true }))
    if (file.isFile())
      expect(readFileSync(join(file.parentPath, file.name), 'utf8'), file.name).not.toMatch(/KKKK|canary/);
});

it('asks for secrets on behalf of the person, the team and the organisation whose job it is', async () => {
  const { behalf } = answerSecrets(bench.peer, { CANARY: 'value' });
  const claim = await sh('true', { secrets: ['CANARY'], user_id: 7, team_id: 3, org_id: 2 });
  await bench.end(claim);
  const job = { job_id: claim.job_id, attempt: 1, user_id: 7, team_id: 3, org_id: 2 };
  expect(behalf).toEqual([{ purpose: 'run', ...job }]);
  // Found due by another step than the one that its claim began.
  expect(await bench.row(claim)).toMatchObject({ user_id: 7, team_id: 3, org_id: 2 });
});

it('refuses a run whose secrets do not exist, naming them, and waits while nobody can say', async () => {
  const stopped = await sh('true', { secrets: ['CANARY', 'NOT_THERE'] });
  answerSecrets(bench.peer, { CANARY: 'value' });
  expect(await bench.end(stopped)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('NOT_THERE'),
  });

  bench.peer.stopAnswering(resolveSecrets);
  const waiting = await sh('echo "$CANARY"', { secrets: ['CANARY'] });
  await vi.waitFor(async () => expect((await bench.row(waiting))['failures']).toBeGreaterThan(0), PATIENCE);
  expect(await bench.row(waiting)).toMatchObject({ state: 'intended', external_id: null });
  expect(existsSync(folderOf(waiting))).toBe(false);
  answerSecrets(bench.peer, { CANARY: 'value' });
  expect(await bench.end(waiting)).toMatchObject({ outcome: 'succeeded' });
});

it('refuses a run whose variables are more than a process can be given', async () => {
  answerSecrets(bench.peer, { LARGE: 'x'.repeat(200_000) });
  expect(await bench.end(await sh('true', { secrets: ['LARGE'] }))).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('E2BIG'),
  });
});
