import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secretLeakDetected } from '@lineclear/contracts';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

const TOKEN = 'hf_9c2fCanaryOfTheLeak';
const OTHER = 'wandb-5d18-canary';
const CLOUD = 'token-of-the-cloud-77';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => answerSecrets(bench.peer, { HF_TOKEN: TOKEN, WANDB_API_KEY: OTHER, CLOUD_TOKEN: CLOUD }));
afterAll(async () => bench?.stop());

const leaksOf = (claim: Claim) =>
  bench.peer
    .events(secretLeakDetected)
    .map(({ data }) => data)
    .filter(({ job_id }) => job_id === claim.job_id);
const logOf = async (claim: Claim): Promise<string> => {
  const [row] = await bench.service.database.query<{ text: string | null }>(
    `select string_agg(text, '' order by seq) as text from run_logs l join runs r on r.id = l.run_id where r.job_id = $1`,
    [claim.job_id],
  );
  return row?.text ?? '';
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

it.each([
  ['raw', TOKEN],
  ['base64', base64(`user:${TOKEN}`)],
  ['json', JSON.stringify(TOKEN).replaceAll('C', String.raw`\u0043`)],
  ['url', `https://x.example/?t=${encodeURIComponent(TOKEN).replaceAll('_', '%5F')}`],
  ['hex', Buffer.from(TOKEN).toString('hex')],
] as const)('tells of a secret that a run writes into its log (%s), and hides it', async (form, written) => {
  const claim = await bench.claim({ secrets: ['HF_TOKEN'], user_id: 7 });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), { log: `auth ${written} !\n`, status: 'succeeded' });
  await bench.end(claim);
  const { job_id, attempt } = claim;
  expect(leaksOf(claim)).toEqual([{ job_id, attempt, user_id: 7, name: 'HF_TOKEN', where: 'log', form }]);
  expect(await logOf(claim)).toMatch(/^auth .*\[secret\].*!\n$/);
  expect(await logOf(claim)).not.toContain(written);
});

it('tells once per run and secret, in whatever place and form it comes again', async () => {
  const claim = await bench.claim({ provider: 'keyed', secrets: ['HF_TOKEN', 'WANDB_API_KEY'] });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), {
    log: `${TOKEN} ${TOKEN} ${base64(TOKEN)}\n`,
    status: 'failed',
    message: `who is ${TOKEN}, ${OTHER} and ${CLOUD}?`,
  });
  expect(await bench.end(claim)).toMatchObject({ message: 'who is [secret], [secret] and [secret]?' });
  expect(leaksOf(claim).map(({ name, where, form }) => [name, where, form])).toEqual([
    ['HF_TOKEN', 'log', 'raw'],
    ['WANDB_API_KEY', 'message', 'raw'],
    ['CLOUD_TOKEN', 'message', 'raw'],
  ]);
  expect(JSON.stringify(bench.peer.events(secretLeakDetected))).not.toContain(TOKEN);
  const metrics = String((await client(bench.service.url).get('/metrics')).body);
  expect(metrics).toMatch(/^secrets_leak_hits_total\{[^}]*where="message"[^}]*\} 2$/m);
});

it('tells of what a provider says when it refuses a run', async () => {
  bench.provider.failNext('submit', 1, { status: 400, body: { error: `bad env ${base64(TOKEN)}` } });
  const claim = await bench.claim({ secrets: ['HF_TOKEN'] });
  expect((await bench.end(claim)).message).toContain('bad env [secret]');
  expect(leaksOf(claim)).toMatchObject([{ name: 'HF_TOKEN', where: 'message', form: 'base64' }]);
});

it('tells of nothing where a run keeps its secrets to itself', async () => {
  const claim = await bench.claim({ secrets: ['HF_TOKEN'] });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), { log: 'hf_9c2f is how it begins\n', status: 'succeeded' });
  await bench.end(claim);
  expect(leaksOf(claim)).toEqual([]);
  expect(await bench.row(claim)).toMatchObject({ leaked: null });
});

const sh = (script: string, secrets: string[] = ['HF_TOKEN']): Promise<Claim> =>
  bench.claim({
    provider: 'local',
    hardware: 'local',
    config: { command: ['/bin/sh', '-c', script] },
    secrets,
  });

it('tells of a secret that never reached the log of a process', async () => {
  const claim = await sh('echo "$HF_TOKEN"; echo "no: $WANDB_API_KEY"', ['HF_TOKEN', 'WANDB_API_KEY']);
  await bench.end(claim);
  expect(leaksOf(claim).map(({ name, form }) => [name, form])).toEqual([
    ['HF_TOKEN', 'raw'],
    ['WANDB_API_KEY', 'raw'],
  ]);
  const folder = join(bench.env['LINECLEAR_RUNS_DIR']!, keyOf(claim));
  expect(readFileSync(join(folder, 'hidden'), 'utf8')).toBe('HF_TOKEN\nWANDB_API_KEY\n');
});

it('tells of no secret that a run does not have, whatever it claims', async () => {
  const claim = await sh('echo SOMEBODY_ELSES > "$HOME/hidden"');
  await bench.end(claim);
  expect(leaksOf(claim)).toEqual([]);
});

it('finds a value in base64 whose lines come one by one, and shows the log when it is whole', async () => {
  const lines = base64(`${'u'.repeat(50)}${TOKEN}`).match(/.{1,76}/g)!;
  const claim = await sh(
    `echo begun; echo ${lines[0]}; while [ ! -e "$HOME/go" ]; do sleep 0.05; done; echo ${lines[1]}; echo done`,
  );
  await vi.waitFor(async () => expect(await logOf(claim)).toBe('begun\n'), PATIENCE);
  const folder = join(bench.env['LINECLEAR_RUNS_DIR']!, keyOf(claim));
  await vi.waitFor(() => expect(readFileSync(join(folder, 'log'), 'utf8')).toContain(lines[0]), PATIENCE);
  const goes = await sh(`touch "${folder}/go"`);
  await bench.end(goes);
  await bench.end(claim);
  expect(await logOf(claim)).toMatch(/^begun\nd[A-Za-z0-9]+\[secret\]=*\ndone\n$/);
  expect(leaksOf(claim)).toMatchObject([{ form: 'base64' }]);
});
