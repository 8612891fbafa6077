import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeRunpodPods, type FakePod, type FakeRunpodPods } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { answerSecrets, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-pods-'));
let fake: FakeRunpodPods;
let bench: Bench;
beforeAll(async () => {
  fake = await startFakeRunpodPods({ token: 'rpa_key' });
  const config = join(dir, 'lineclear.json');
  writeFileSync(
    config,
    JSON.stringify({
      providers: { pods: { type: 'runpod_pods', base_url: fake.url, secret: 'RUNPOD_API_KEY' } },
      background: { job_status_polling: { interval_seconds: 1 } },
    }),
  );
  bench = await openBench({ LINECLEAR_CONFIG: config });
  answerSecrets(bench.peer, { RUNPOD_API_KEY: 'rpa_key' });
});
afterAll(async () => {
  await bench?.stop();
  await fake?.close();
  rmSync(dir, { recursive: true });
});

const podOf = (claim: Claim): FakePod | undefined => fake.pods.find(({ name }) => name === keyOf(claim));
const runs = async (): Promise<{ claim: Claim; pod: FakePod }> => {
  const claim = await bench.claim({
    provider: 'pods',
    config: { image: 'acme/trainer:2', command: ['train'] },
    hardware: 'NVIDIA A40',
  });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  return { claim, pod: podOf(claim)! };
};
const finish = (pod: FakePod): void =>
  void Object.assign(pod, { status: 'EXITED', log: `step=3\nlineclear-exit ${pod.name} 0\n` });

it('takes a pod away once its end and its output are known', async () => {
  const { claim, pod } = await runs();
  finish(pod);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded', exit_code: 0 });
  expect(podOf(claim)).toBeUndefined();
  expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'succeeded', step: 3 });
});

it('does not end before the pod is taken away', async () => {
  const { claim, pod } = await runs();
  fake.failNext('delete', { status: 503 }, 2);
  finish(pod);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(podOf(claim)).toBeUndefined();
});

it('knows how a run ended though it took the pod away and then had no answer', async () => {
  const { claim, pod } = await runs();
  fake.failNext('delete', 'lose the answer');
  finish(pod);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded', exit_code: 0 });
});

it('stops a pod that is cancelled, and takes it away', async () => {
  const { claim, pod } = await runs();
  Object.assign(pod, { status: 'RUNNING', runtime: { uptime: 1 } });
  await bench.cancel(claim);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });
  expect(podOf(claim)).toBeUndefined();
});

it('does not take what a pod had cost at its last look for what it cost in the end', async () => {
  const { claim, pod } = await runs();
  Object.assign(pod, { status: 'RUNNING', cost: 2, runtime: { uptime: 3 } });
  await vi.waitFor(
    async () => expect(Number((await bench.row(claim))['cost_usd'])).toBeGreaterThan(0),
    PATIENCE,
  );
  Object.assign(pod, { runtime: null });
  finish(pod);
  expect(await bench.end(claim)).not.toHaveProperty('cost_usd');
});
