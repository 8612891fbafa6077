import { jobCancelRequested, jobClaimed, secretChanged } from '@lineclear/contracts';
import { pendingEvents } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { answerSecrets, claimOf, keyOf, openBench, PATIENCE, type Bench } from './bench.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.provider.set({ finish: 'never', delayMs: 0, refusesDuplicates: false }));
afterAll(async () => bench?.stop());

const settled = (): Promise<void> =>
  vi.waitFor(
    async () => expect(await pendingEvents(bench.backends.nats.url, 'job-poller')).toBe(0),
    PATIENCE,
  );

it('brings a claimed job to its provider, watches it and says how it ended', async () => {
  const claim = await bench.claim({ max_runtime_seconds: 60 });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const key = keyOf(claim);
  expect(bench.started(claim)[0]).toMatchObject({
    claim_id: claim.claim_id,
    provider: 'cloud',
    external_id: bench.provider.run(key)!.id,
  });
  expect(bench.provider.bodies.at(-1)).toEqual({
    key,
    config: { epochs: 3 },
    env: {},
    kind: 'on gpu',
    limit: 60,
  });
  bench.provider.change(key, { progress: 0.5, log: 'step=7 epoch=2/10 loss=0.25 accuracy=0.9\n' });
  await vi.waitFor(
    () => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running', progress: 0.5 }),
    PATIENCE,
  );
  bench.provider.change(key, { status: 'succeeded', progress: 1 });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(bench.observed(claim).at(-1)).toMatchObject({
    remote_state: 'succeeded',
    progress: 1,
    step: 7,
    epoch: 2,
    metrics: { loss: 0.25, accuracy: 0.9 },
  });
  expect(await bench.row(claim)).toMatchObject({ state: 'ended', next_action_at: null, lease_owner: null });
  expect(bench.provider.runsOf(key)).toBe(1);
});

it('makes one run of a claim that arrives many times, and answers a repeated one with the present state', async () => {
  const claim = await bench.claim();
  for (let n = 0; n < 3; n += 1) await bench.peer.publish(jobClaimed, claim);
  await vi.waitFor(() => expect(bench.started(claim).length).toBeGreaterThan(0), PATIENCE);
  await settled();
  const before = bench.started(claim).length;
  await bench.peer.publish(jobClaimed, claim);
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(before + 1), PATIENCE);
  bench.provider.change(keyOf(claim), { status: 'failed', message: 'out of memory' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'failed', message: 'out of memory' });
  await bench.peer.publish(jobClaimed, claim);
  await vi.waitFor(() => expect(bench.ended(claim)).toHaveLength(2), PATIENCE);
  expect(bench.ended(claim)[1]).toEqual(bench.ended(claim)[0]);
  expect(bench.provider.submitsOf(keyOf(claim))).toBe(1);
});

it('starts nothing for another claim of the same attempt', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const other = claimOf({ ...claim, claim_id: '00000000-0000-4000-8000-000000000001' });
  await bench.peer.publish(jobClaimed, other);
  await bench.cancel(other);
  await settled();
  expect(bench.provider.submitsOf(keyOf(claim))).toBe(1);
  expect(await bench.row(claim)).toMatchObject({ claim_id: claim.claim_id, state: 'active' });
});

it.each([
  ['the answer is lost', 'lose the answer'],
  ['the provider hangs', 'hang'],
  ['the answer is a 500', { status: 500 }],
  ['the answer has no id', { status: 200, body: 'fine' }],
] as const)('makes one run when %s', async (_, fault) => {
  bench.provider.failNext('submit', 1, fault);
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  expect(bench.provider.runsOf(keyOf(claim))).toBe(1);
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  await bench.end(claim);
});

it('does not submit again while it cannot learn what became of the first submit', async () => {
  const finds = bench.provider.calls.find;
  bench.provider.failNext('submit', 1, 'lose the answer');
  bench.provider.failNext('find', 2, { status: 503 });
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  expect(bench.provider.calls.find - finds).toBe(3);
  expect(bench.provider.submitsOf(keyOf(claim))).toBe(1);
});

it('looks a key up that the provider says exists', async () => {
  bench.provider.set({ refusesDuplicates: true });
  const claim = claimOf();
  await fetch(`${bench.provider.url}/runs`, { method: 'POST', body: JSON.stringify({ key: keyOf(claim) }) });
  await bench.peer.publish(jobClaimed, claim);
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  expect(bench.provider.submitsOf(keyOf(claim))).toBe(2);
  expect(bench.provider.runsOf(keyOf(claim))).toBe(1);
});

it('gives a run up that the provider says exists each time, and never shows', async () => {
  bench.provider.failNext('submit', 3, { status: 409, body: { error: 'taken' } });
  const claim = await bench.claim();
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining(`says that it has ${keyOf(claim)}, and does not show it`),
  });
  expect(bench.started(claim)).toEqual([]);
});

it('refuses a run whose credential no header can carry, and does not take its provider for away', async () => {
  answerSecrets(bench.peer, { CLOUD_TOKEN: 'with a line end\n' });
  const submits = bench.provider.calls.submit;
  expect(await bench.end(await bench.claim({ provider: 'keyed' }))).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('credential'),
  });
  expect(bench.provider.calls.submit).toBe(submits);
});

it('waits as long as a busy provider says, and then submits', async () => {
  bench.provider.failNext('submit', 1, { status: 429, retryAfterSeconds: 1 });
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const row = await bench.row(claim);
  expect(
    (row['started_at'] as Date).getTime() - (row['created_at'] as Date).getTime(),
  ).toBeGreaterThanOrEqual(1_000);
  expect(bench.provider.runsOf(keyOf(claim))).toBe(1);
});

it('ends a run that the provider refuses, with its words', async () => {
  bench.provider.failNext('submit', 1, { status: 422, body: { error: 'no such model' } });
  const claim = await bench.claim();
  expect(await bench.end(claim)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('no such model'),
  });
  expect(bench.started(claim)).toEqual([]);
});

it('refuses a run for a provider that is not there, and waits for one that is away', async () => {
  expect(await bench.end(await bench.claim({ provider: 'nowhere' }))).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('nowhere'),
  });
  const claim = await bench.claim({ provider: 'away' });
  await vi.waitFor(async () => expect((await bench.row(claim))['failures']).toBeGreaterThan(0), PATIENCE);
  await vi.waitFor(
    () => expect(bench.errors().filter(({ provider }) => provider === 'away')).toHaveLength(1),
    PATIENCE,
  );
  // Nothing can have come of it: it is still an intent, and a cancel ends it without a call.
  await bench.cancel(claim);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });
});

it('rides out errors while it polls, and tells of them once', async () => {
  bench.provider.failNext('status', 3, { status: 500 });
  const claim = await bench.claim();
  await vi.waitFor(
    () => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running' }),
    PATIENCE,
  );
  expect(bench.ended(claim)).toEqual([]);
  expect(bench.errors().filter(({ provider }) => provider === 'cloud')).toHaveLength(1);
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  await bench.end(claim);
});

it('asks for the last lines as often as ever where looks had failed before', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.failNext('status', 4, { status: 500 });
  // A look that is under way may take one of them.
  bench.provider.failNext('logs', 2, { status: 500 });
  bench.provider.change(keyOf(claim), { status: 'succeeded', log: 'step=9 loss=0.2\n' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(await bench.row(claim)).toMatchObject({ log_truncated: false });
  expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'succeeded', step: 9 });
});

it('keeps the state when the provider uses an unknown word', async () => {
  const claim = await bench.claim();
  await vi.waitFor(
    () => expect(bench.observed(claim).at(-1)).toMatchObject({ remote_state: 'running' }),
    PATIENCE,
  );
  const looks = bench.provider.run(keyOf(claim))!.polls;
  bench.provider.change(keyOf(claim), { status: 'hibernating' });
  await vi.waitFor(
    () => expect(bench.provider.run(keyOf(claim))!.polls).toBeGreaterThan(looks + 2),
    PATIENCE,
  );
  expect(await bench.row(claim)).toMatchObject({ state: 'active', remote_state: 'running' });
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('counts looks that did not find a run in a row, also where it was seen in a state with an unknown word', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), { status: 'hibernating' });
  const seen = async (times: number): Promise<void> => {
    const { polls } = bench.provider.run(keyOf(claim))!;
    await vi.waitFor(
      () => expect(bench.provider.run(keyOf(claim))!.polls).toBeGreaterThan(polls + times),
      PATIENCE,
    );
  };
  bench.provider.failNext('status', 2, { status: 404 });
  await seen(12);
  bench.provider.failNext('status', 1, { status: 404 });
  await seen(2);
  expect(bench.ended(claim)).toEqual([]);
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('gives up a run that the provider no longer knows', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.forget(keyOf(claim));
  expect(await bench.end(claim)).toMatchObject({ outcome: 'lost' });
});

it('stops a run that has run too long', async () => {
  const claim = await bench.claim({ max_runtime_seconds: 1 });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'timed_out' });
  expect(bench.provider.run(keyOf(claim))).toMatchObject({ status: 'cancelled' });
});

it('cancels in every state', async () => {
  const running = await bench.claim();
  await vi.waitFor(() => expect(bench.started(running)).toHaveLength(1), PATIENCE);
  await bench.cancel(running);
  expect(await bench.end(running)).toMatchObject({ outcome: 'cancelled' });
  expect(bench.provider.run(keyOf(running))).toMatchObject({ status: 'cancelled' });
  // Once more, when it is over: nothing.
  await bench.cancel(running);

  // While the outcome of its submit is not known.
  bench.provider.failNext('submit', 1, 'hang');
  const unknown = await bench.claim();
  await vi.waitFor(() => expect(bench.provider.submitsOf(keyOf(unknown))).toBe(1), PATIENCE);
  await bench.cancel(unknown);
  expect(await bench.end(unknown)).toMatchObject({ outcome: 'cancelled' });
  expect(bench.provider.run(keyOf(unknown))).toMatchObject({ status: 'cancelled' });

  // The same, and the provider never had it.
  bench.provider.failNext('submit', 1, 'break before');
  const never = await bench.claim();
  await vi.waitFor(async () => expect((await bench.row(never))['failures']).toBe(1), PATIENCE);
  await bench.cancel(never);
  expect(await bench.end(never)).toMatchObject({ outcome: 'cancelled' });
  expect(bench.provider.runsOf(keyOf(never))).toBe(0);

  // Before its claim arrives.
  const early = claimOf();
  await bench.peer.publish(jobCancelRequested, {
    job_id: early.job_id,
    attempt: 1,
    claim_id: early.claim_id,
  });
  await bench.peer.publish(jobClaimed, early);
  expect(await bench.end(early)).toMatchObject({ outcome: 'cancelled' });
  await settled();
  expect(bench.ended(running)).toHaveLength(1);
});

it('sends a cancel that failed again', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.failNext('cancel', 2, { status: 503 });
  await bench.cancel(claim);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'cancelled' });
});

it('keeps the real outcome of a run that finished before the cancel reached it', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.failNext('cancel', 1, { status: 409 });
  bench.provider.failNext('status', 1, { status: 500 });
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  await bench.cancel(claim);
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
});

it('ends a run whose provider says what no table takes', async () => {
  const claim = await bench.claim();
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), {
    status: 'failed',
    message: `\u0000${'x'.repeat(1_998)}\u{1F600}`,
    log:
      String.raw`{"\u0000_loss": 1, "step": 4, "\ud800_loss": 1, "stage": "a\ud800"}` +
      '\nstage=one\u0000two\n',
  });
  const { outcome, message } = await bench.end(claim);
  expect({ outcome, message }).toEqual({
    outcome: 'failed',
    message: `\uFFFD${'x'.repeat(1_998)}\uFFFD`,
  });
  expect(bench.observed(claim).at(-1)).toMatchObject({ step: 4, stage: 'one\uFFFDtwo' });
});

it('sends its credential, asked for sealed and once', async () => {
  const { asked } = answerSecrets(bench.peer, { CLOUD_TOKEN: 'token-of-the-cloud' });
  bench.provider.set({ token: 'token-of-the-cloud', finish: { polls: 3 } });
  const claim = await bench.claim({ provider: 'keyed' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(asked).toEqual([{ names: ['CLOUD_TOKEN'], purpose: 'provider' }]);
});

it('calls with a rotated credential from the next call on, and gives a run that is under way nothing new', async () => {
  const values: Record<string, string> = { CLOUD_TOKEN: 'old', WANDB_API_KEY: 'key-of-the-run' };
  const { asked } = answerSecrets(bench.peer, values);
  const askedFor = (what: string): number => asked.filter(({ purpose }) => purpose === what).length;
  await bench.peer.publish(secretChanged, { name: 'CLOUD_TOKEN', version: 1 });
  bench.provider.set({ token: undefined });
  const claim = await bench.claim({ provider: 'keyed', secrets: ['WANDB_API_KEY'] });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  await vi.waitFor(() => expect(askedFor('provider')).toBe(1), PATIENCE);

  Object.assign(values, { CLOUD_TOKEN: 'new', WANDB_API_KEY: 'rotated-meanwhile' });
  await bench.peer.publish(secretChanged, { name: 'WANDB_API_KEY', version: 2 });
  await bench.peer.publish(secretChanged, { name: 'CLOUD_TOKEN', version: 2 });
  await vi.waitFor(() => expect(askedFor('provider')).toBe(2), PATIENCE);
  // Had it called with the old one, it would be refused and ask once more.
  bench.provider.set({ token: 'new' });
  const { status: looks } = bench.provider.calls;
  await vi.waitFor(() => expect(bench.provider.calls.status).toBeGreaterThan(looks + 2), PATIENCE);
  expect(askedFor('provider')).toBe(2);

  // A change that nobody could be told of.
  values['CLOUD_TOKEN'] = 'newer';
  bench.provider.set({ token: undefined });
  await bench.backends.nats.stop();
  await bench.backends.nats.start();
  await vi.waitFor(() => expect(askedFor('provider')).toBe(3), PATIENCE);
  bench.provider.set({ token: 'newer' });
  bench.provider.change(keyOf(claim), { status: 'succeeded' });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(askedFor('run')).toBe(1);
});

it('sends secrets in files to a provider whose template has a place for them', async () => {
  answerSecrets(bench.peer, { SSH: 'key-of-ssh', APP: 'settings' });
  bench.provider.set({ finish: 'at once', token: undefined });
  const use = { provider: 'files', secrets: ['SSH', 'APP'] };
  const ssh = { name: 'SSH', file: '~/.ssh/id_ed25519' };
  const claim = await bench.claim({
    ...use,
    secret_uses: [ssh, { name: 'APP', file: 'app/config.json', env: 'APP_CONFIG' }],
  });
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(bench.provider.bodies.at(-1)).toMatchObject({
    env: { APP_CONFIG: '/secrets/APP/app/config.json' },
    mounts: { '~/.ssh/id_ed25519': 'key-of-ssh', '/secrets/APP/app/config.json': 'settings' },
  });

  const plain = await bench.claim({ provider: 'files' });
  await bench.end(plain);
  expect(bench.provider.bodies.at(-1)).not.toHaveProperty('mounts');

  // Where the home folder is, only the provider knows.
  const inHome = await bench.claim({ ...use, secret_uses: [{ ...ssh, env: 'GIT_KEY' }] });
  expect(await bench.end(inHome)).toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('GIT_KEY cannot be set'),
  });
  const nowhere = await bench.claim({ ...use, provider: 'cloud', secret_uses: [ssh] });
  expect(await bench.end(nowhere)).toMatchObject({
    outcome: 'refused',
    message: 'cloud gives its runs no files',
  });
  expect(bench.provider.submitsOf(keyOf(nowhere))).toBe(0);
});
