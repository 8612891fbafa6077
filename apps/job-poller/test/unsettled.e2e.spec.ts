import { providerDegraded } from '@lineclear/contracts';
import { Clock, startService } from '@lineclear/kit';
import { startFakeRunpodServerless, type FakeRunpodServerless } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { configured } from '../src/adapters/provider-config.fixture.js';
import { RunpodServerlessAdapter } from '../src/adapters/runpod-serverless.js';
import { define } from '../src/app.module.js';
import { answerSecrets, openBench, PATIENCE, type Bench } from './bench.js';

/** A clock that can be put forward. */
class Ahead extends Clock {
  aheadMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }
}

const clock = new Ahead();
let fake: FakeRunpodServerless;
let bench: Bench;
beforeAll(async () => {
  fake = await startFakeRunpodServerless({ token: 'rpa_key', endpointId: '4m7x2k9q' });
  bench = await openBench({ LINECLEAR_MAX_SILENCE_SECONDS: '600' });
  answerSecrets(bench.peer, { RUNPOD_API_KEY: 'rpa_key' });
  await bench.service.close();
  const config = { base_url: fake.url, endpoint_id: '4m7x2k9q', secret: 'RUNPOD_API_KEY' };
  const adapter = new RunpodServerlessAdapter('queue', configured('runpod_serverless', config), 1_000);
  bench.service = await startService(define(bench.env, { clock, adapters: [adapter] }));
});
afterAll(async () => {
  await bench?.stop();
  await fake?.close();
});

const due = (): Promise<unknown[]> =>
  bench.service.database.query(
    `update runs set next_action_at = now() where state <> 'ended' and lease_owner is null`,
  );
const looks = (): number => fake.calls['requests'] ?? 0;
const looksMore = async (more: number): Promise<void> => {
  const before = looks();
  await vi.waitFor(async () => {
    await due();
    expect(looks()).toBeGreaterThan(before + more);
  }, PATIENCE);
};

it('does not take a provider for away that answers and cannot say, and gives the run up in time', async () => {
  // Somebody's job whose input is hidden may be ours: nobody can say that there is none.
  fake.jobs.push({ id: 'job-of-somebody', status: 'IN_PROGRESS' });
  fake.failNext('run', { status: 503 });
  const claim = await bench.claim({ provider: 'queue', config: { input: {} } });
  await looksMore(6);
  clock.aheadMs += 40_000;
  await looksMore(6);
  expect(bench.peer.events(providerDegraded)).toEqual([]);
  clock.aheadMs += 600_000;
  await vi.waitFor(async () => {
    await due();
    expect(bench.ended(claim)).toMatchObject([{ outcome: 'lost' }]);
  }, PATIENCE);
});
