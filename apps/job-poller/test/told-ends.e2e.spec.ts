import { startFakeSlurm, type FakeSlurm, type FakeSlurmJob } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { configured } from '../src/adapters/provider-config.fixture.js';
import { SlurmAdapter } from '../src/adapters/slurm.js';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench } from './bench.js';

let fake: FakeSlurm;
let bench: Bench;
beforeAll(async () => {
  fake = await startFakeSlurm({ token: 'jwt', userName: 'lineclear' });
  const config = {
    base_url: fake.url,
    user_name: 'lineclear',
    secret: 'SLURM_JWT',
    machines: { gpu: { tres_per_node: 'gres/gpu:1' } },
  };
  bench = await openBench({}, () => [new SlurmAdapter('hpc', configured('slurm', config), 1_000)]);
  answerSecrets(bench.peer, { SLURM_JWT: 'jwt' });
});
afterAll(async () => {
  await bench?.stop();
  await fake?.close();
});

const seconds = (date: Date): number => Math.floor(date.getTime() / 1_000);

/** A run that ended with what its provider says of the end. */
async function endedWith(said: (begun: Date) => Partial<FakeSlurmJob>) {
  const claim = await bench.claim({ provider: 'hpc', config: { command: ['train'] } });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const begun = new Date(bench.started(claim)[0]!.started_at);
  const job = fake.jobs.find(({ name }) => name === keyOf(claim))!;
  Object.assign(job, { job_state: ['FAILED'], ...said(begun) });
  await bench.service.database.query('update runs set next_action_at = now() where lease_owner is null');
  return { begun, end: await bench.end(claim) };
}

it.each([
  ['ahead', 3_600],
  ['behind', -3_600],
])('does not count time that did not pass, where the clock of a provider is %s', async (_, bySeconds) => {
  const { begun, end } = await endedWith((start) => ({ end_time: seconds(start) + bySeconds }));
  expect(end.outcome).toBe('failed');
  expect(new Date(end.ended_at).getTime()).toBeGreaterThanOrEqual(begun.getTime());
  expect(new Date(end.ended_at).getTime()).toBeLessThanOrEqual(Date.now());
});

it.each([
  // What Slurm has for "no value".
  ['an exit code', { exit_code: 0xfffffffe }],
  ['an end', { end_time: 1e15 }],
])('ends a run whose provider says %s that cannot be', async (_, said) => {
  const { end } = await endedWith(() => said);
  expect(end).toMatchObject({ outcome: 'failed' });
  expect(end.exit_code ?? 0).toBe(0);
});
