import { Secret } from '@lineclear/kit';
import type { HttpFault } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeyOf, type RemoteState } from '../domain/run.js';
import { ProviderFailure, type Adapter, type Observation, type Submission } from './adapter.js';

/** What an adapter calls its provider for, as faults are set. */
export type ContractCall = 'submit' | 'find' | 'get' | 'list' | 'cancel' | 'logs';
/** What the suite can have a remote run become. */
export type RemoteWord = 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What this provider has: tests of what it lacks are not made. */
export interface Features {
  readonly lists: boolean;
  readonly logs: boolean;
  /** Whether its states are words, of which it may use new ones. */
  readonly words: boolean;
  readonly credential: boolean;
  /** False where nobody is called: nothing is lost on the way, and secrets do not go with the submit. */
  readonly calls?: boolean;
  /** What is seen of an end, where the provider does not tell it. */
  readonly ends?: Readonly<Partial<Record<RemoteWord, RemoteState>>>;
}

/** A provider's fake, as the suite drives it, and the adapter that speaks to it. */
export interface ContractWorld {
  readonly adapter: Adapter;
  /** The same adapter, where nobody listens. */
  readonly adrift: Adapter;
  /** The credential that the fake takes, and one that it does not. */
  readonly credential: Secret | undefined;
  readonly wrong: Secret | undefined;
  /** What a job's config is for this provider. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hardware: string;
  /** How many remote objects carry this key. */
  runsOf(runKey: string): number | Promise<number>;
  /** Whatever of what was submitted under this key a test may want to look into. */
  submitted(runKey: string): unknown;
  become(externalId: string, state: RemoteWord): void | Promise<void>;
  /** Has it say a word that nobody documented; absent where its states are not words. */
  say?(externalId: string, word: string): void;
  /** Does what it was asked to by a cancel, where that takes effect only then. */
  comply?(externalId: string): Promise<void>;
  /** It is not there any more, as after its time to live. */
  forget(externalId: string): void | Promise<void>;
  /** Adds to its output; absent where the provider has no logs. */
  write?(externalId: string, text: string): void | Promise<void>;
  /** The next call of this kind goes wrong. For an adapter that needs several requests for one call, the first of them. */
  failNext(call: ContractCall, fault: HttpFault): void;
  close(): Promise<void>;
}

let jobs = 0;

/** A job for this provider, with a key that no other has. */
export function submissionTo(world: ContractWorld, more: Partial<Submission> = {}): Submission {
  jobs += 1;
  const jobId = `job_${String(jobs).padStart(32, '0')}`;
  return {
    runKey: runKeyOf(jobId, 1),
    jobId,
    attempt: 1,
    config: world.config,
    hardware: world.hardware,
    env: new Map(),
    files: [],
    maxRuntimeSeconds: 3_600,
    outputPath: null,
    checkpointPath: null,
    ...more,
  };
}

/** How a call failed; fails itself when it did not. */
export async function failureIn(call: Promise<unknown>): Promise<ProviderFailure> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`no ProviderFailure but ${String(error)}`);
  return error;
}

/** The run's state as the adapter sees it. */
export const lookAt = async (world: ContractWorld, externalId: string): Promise<Observation | undefined> =>
  (await world.adapter.get([externalId], world.credential)).get(externalId);

// A test of what a provider lacks is not there at all.
const where = (has: boolean): ((title: string, test: () => Promise<void>) => void) =>
  has ? it : () => undefined;

const LIVE: readonly (RemoteState | undefined)[] = ['submitted', 'starting', 'running'];

/** What every adapter of a provider must do, whatever the provider is like. */
export function adapterContract(name: string, has: Features, open: () => Promise<ContractWorld>): void {
  describe(`${name}: the contract of adapters`, () => {
    const calls = has.calls ?? true;
    let world: ContractWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(async () => world?.close());

    const submit = async (
      more: Partial<Submission> = {},
    ): Promise<{ id: string; submission: Submission }> => {
      const submission = submissionTo(world, more);
      const { externalId } = await world.adapter.submit(submission, world.credential);
      return { id: externalId, submission };
    };
    const failing = async (call: ContractCall, fault: HttpFault): Promise<ProviderFailure> => {
      const { id, submission } = await submit();
      world.failNext(call, fault);
      const calls: Record<ContractCall, () => Promise<unknown>> = {
        submit: () => world.adapter.submit(submissionTo(world), world.credential),
        find: () => world.adapter.find(submission.runKey, world.credential),
        get: () => world.adapter.get([id], world.credential),
        list: async () => world.adapter.list?.([id], world.credential),
        cancel: () => world.adapter.cancel(id, world.credential),
        logs: () => world.adapter.logs(id, null, false, world.credential),
      };
      return failureIn(calls[call]());
    };

    it('makes one remote run, which is found by our key', async () => {
      const { id, submission } = await submit();
      expect(await world.runsOf(submission.runKey)).toBe(1);
      expect(id.length).toBeLessThanOrEqual(200);
      expect(await world.adapter.find(submission.runKey, world.credential)).toEqual({ externalId: id });
    });

    it('says for certain that a key was never seen', async () => {
      expect(await world.adapter.find(submissionTo(world).runKey, world.credential)).toBeNull();
    });

    where(calls)('finds the run whose answer was lost', async () => {
      const submission = submissionTo(world);
      world.failNext('submit', 'lose the answer');
      const { kind } = await failureIn(world.adapter.submit(submission, world.credential));
      expect(kind).toBe('unknown');
      expect(await world.adapter.find(submission.runKey, world.credential)).not.toBeNull();
      expect(await world.runsOf(submission.runKey)).toBe(1);
    });

    it('follows a run to its end', async () => {
      const { id } = await submit();
      expect(LIVE).toContain((await lookAt(world, id))?.state);
      await world.become(id, 'starting');
      expect(LIVE).toContain((await lookAt(world, id))?.state);
      await world.become(id, 'running');
      expect((await lookAt(world, id))?.state).toBe('running');
      await world.become(id, 'succeeded');
      expect((await lookAt(world, id))?.state).toBe(has.ends?.succeeded ?? 'succeeded');
    });

    it.each(['failed', 'cancelled'] as const)('sees that a run is %s', async (state) => {
      const { id } = await submit();
      await world.become(id, 'running');
      await world.become(id, state);
      expect((await lookAt(world, id))?.state).toBe(has.ends?.[state] ?? state);
    });

    it('leaves out of its answer what the provider does not know (any more)', async () => {
      const [kept, gone] = [await submit(), await submit()];
      await world.forget(gone.id);
      const seen = await world.adapter.get([kept.id, gone.id], world.credential);
      expect([...seen.keys()]).toEqual([kept.id]);
    });

    where(has.words)('reports a word for a state that nobody documented, and takes it for none', async () => {
      const { id } = await submit();
      world.say?.(id, 'PONDERING');
      expect(await lookAt(world, id)).toMatchObject({ word: 'PONDERING' });
      expect((await lookAt(world, id))?.state).toBeUndefined();
    });

    it('stops a run, and does not mind one that is stopped, over or gone', async () => {
      const [running, over, gone] = [await submit(), await submit(), await submit()];
      await world.become(running.id, 'running');
      await world.adapter.cancel(running.id, world.credential);
      await world.adapter.cancel(running.id, world.credential);
      await world.comply?.(running.id);
      expect(LIVE).not.toContain((await lookAt(world, running.id))?.state ?? 'gone');
      await world.become(over.id, 'succeeded');
      await world.adapter.cancel(over.id, world.credential);
      await world.forget(gone.id);
      await world.adapter.cancel(gone.id, world.credential);
    });

    where(has.lists)('shows all of them in one list, with our keys', async () => {
      const runs: Awaited<ReturnType<typeof submit>>[] = [];
      // One after the other: what waits for a connection has its deadline run meanwhile.
      for (let run = 0; run < 130; run += 1) runs.push(await submit());
      for (const { id } of runs) await world.become(id, 'running');
      const ids = runs.map(({ id }) => id);
      const listed = (await world.adapter.list?.(ids, world.credential)) ?? [];
      const mine = new Map(listed.map((one) => [one.externalId, one]));
      for (const { id, submission } of runs) {
        expect(mine.get(id)?.seen.state).toBe('running');
        expect([submission.runKey, undefined]).toContain(mine.get(id)?.runKey);
      }
    });

    const faults = [
      ['submit', { status: 429, headers: { 'retry-after': '7' } }, 'busy', 7_000],
      ['submit', { status: 429 }, 'busy', undefined],
      ['get', { status: 429, headers: { 'retry-after': '7' } }, 'busy', 7_000],
      ['get', { status: 429 }, 'busy', undefined],
      ['find', { status: 503 }, 'unknown', undefined],
      ['submit', { status: 500 }, 'unknown', undefined],
      ['submit', 'hang', 'unknown', undefined],
      ['submit', 'break before', 'unknown', undefined],
      ['submit', { status: 200, body: 'fine' }, 'unknown', undefined],
      ['submit', { status: 422, body: { error: 'no such thing' } }, 'refused', undefined],
      ['get', 'hang', 'unknown', undefined],
      ['cancel', { status: 500 }, 'unknown', undefined],
    ] as const;
    it.each(calls ? faults : [])('says of %s with %j: %s', async (call, fault, kind, retryAfterMs) => {
      const failure = await failing(call, fault);
      expect(failure.kind).toBe(kind);
      if (retryAfterMs !== undefined) expect(failure.retryAfterMs).toBe(retryAfterMs);
    });

    where(calls)('says that a question which was not answered found nothing out', async () => {
      const { submission } = await submit();
      world.failNext('find', 'lose the answer');
      expect((await failureIn(world.adapter.find(submission.runKey, world.credential))).kind).toBe('unknown');
    });

    where(calls)('says that nothing was sent where nobody listens', async () => {
      expect((await failureIn(world.adrift.submit(submissionTo(world), world.credential))).kind).toBe(
        'not sent',
      );
    });

    where(has.credential)('says that a credential is not taken', async () => {
      const { id, submission } = await submit();
      for (const call of [
        () => world.adapter.submit(submissionTo(world), world.wrong),
        () => world.adapter.find(submission.runKey, world.wrong),
        () => world.adapter.get([id], world.wrong),
        () => world.adapter.cancel(id, world.wrong),
      ])
        expect((await failureIn(call())).kind).toBe('denied');
    });

    where(calls)('gives a run its secrets in its environment', async () => {
      const value = new Secret('s3cret-of-the-run');
      const { submission } = await submit({ env: new Map([['HF_TOKEN', { name: 'hf-token', value }]]) });
      expect(JSON.stringify(world.submitted(submission.runKey))).toContain('s3cret-of-the-run');
    });

    where(has.logs)('hands out the output in parts, each line once, none cut in two', async () => {
      const { id } = await submit();
      await world.become(id, 'running');
      await world.write?.(id, 'one\ntwo\nthr');
      let text = '';
      let cursor: string | null = null;
      const read = async (isOver: boolean): Promise<void> => {
        for (let part = 0; part < 20; part += 1) {
          const found = await world.adapter.logs(id, cursor, isOver, world.credential);
          text += found.text;
          cursor = found.cursorAt(found.text.length);
          if (!found.more) return;
        }
      };
      await read(false);
      expect(text).toBe('one\ntwo\n');
      await read(false);
      expect(text).toBe('one\ntwo\n');
      await world.write?.(id, 'ee\nfour\nlast');
      await world.become(id, 'succeeded');
      await read(true);
      expect(text.trimEnd()).toBe('one\ntwo\nthree\nfour\nlast');
    });
  });
}
