import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failureIn, lookAt } from './adapter-contract.fixture.js';
import type { LogPart } from './adapter.js';
import { condition, ended, openKubernetes, type KubernetesWorld } from './kubernetes.fixture.js';
import { DISRUPTIONS, JOB_FAILURES, PHASES, POD_FAILURES } from './kubernetes-objects.js';

describe('kubernetes', () => {
  let world: KubernetesWorld;
  beforeAll(async () => {
    world = await openKubernetes();
  });
  afterAll(() => world.close());
  beforeEach(() => world.clear());

  const submit = (): Promise<string> => world.submitOne();

  describe('what it sees', () => {
    it.each(Object.entries(PHASES).filter(([phase]) => phase !== 'no pod'))(
      'a pod that is %s: %s',
      async (phase, state) => {
        const id = await submit();
        world.statusIs(id, {}, { phase });
        expect(await lookAt(world, id)).toEqual({ state, word: phase });
      },
    );

    it('a Job without a pod, or held by its queue, waits', async () => {
      const id = await submit();
      world.fake.pods.clear();
      expect(await lookAt(world, id)).toMatchObject({ state: 'submitted' });
      Object.assign(world.fake.jobs.get(id) ?? {}, { status: { conditions: [condition('Suspended')] } });
      expect(await lookAt(world, id)).toMatchObject({ state: 'submitted', word: 'Suspended' });
    });

    it.each(Object.entries(JOB_FAILURES))('a Job that failed with %s', async (reason, meaning) => {
      const id = await submit();
      world.statusIs(
        id,
        { conditions: [condition('Failed', reason)] },
        { phase: 'Failed', containerStatuses: [ended(3, 'Error')] },
      );
      expect(await lookAt(world, id)).toEqual({
        ...meaning,
        word: reason,
        message: 'Error: it is Failed',
        exitCode: 3,
        endedAt: new Date('2026-11-28T09:59:58Z'),
      });
    });

    it('a Job that failed for a reason that nobody documented has failed all the same', async () => {
      const id = await submit();
      world.statusIs(
        id,
        { conditions: [condition('FailureTarget'), condition('Failed', 'Gremlins')] },
        { phase: 'Failed' },
      );
      expect(await lookAt(world, id)).toMatchObject({ state: 'failed', word: 'Gremlins' });
    });

    it('conditions that nobody documented say nothing', async () => {
      const id = await submit();
      world.statusIs(id, { conditions: [condition('Pondering')] }, { phase: 'Running' });
      expect(await lookAt(world, id)).toMatchObject({ state: 'running' });
    });

    it.each(Object.entries(POD_FAILURES))('a pod that ended with %s', async (reason, meaning) => {
      const id = await submit();
      world.statusIs(
        id,
        { conditions: [condition('Failed', 'BackoffLimitExceeded')] },
        { phase: 'Failed', reason, message: 'so it was' },
      );
      expect(await lookAt(world, id)).toMatchObject({ ...meaning, message: 'so it was' });
    });

    it.each(Object.entries(DISRUPTIONS))('a pod that was taken away by %s: %s', async (reason, cause) => {
      const id = await submit();
      const pod = { phase: 'Failed', conditions: [condition('DisruptionTarget', reason)] };
      world.statusIs(id, { conditions: [condition('Failed', 'BackoffLimitExceeded')] }, pod);
      expect(await lookAt(world, id)).toMatchObject({ state: 'failed', cause });
    });

    it('a container that took too much memory', async () => {
      const id = await submit();
      const pod = { phase: 'Failed', containerStatuses: [ended(137, 'OOMKilled')] };
      world.statusIs(id, { conditions: [condition('Failed', 'BackoffLimitExceeded')] }, pod);
      expect(await lookAt(world, id)).toMatchObject({ state: 'failed', cause: 'oom', exitCode: 137 });
    });

    it('the newest of several pods', async () => {
      const id = await submit();
      world.statusIs(id, {}, { phase: 'Failed' });
      world.fake.addPod(id, { creationTimestamp: '2099-01-01T00:00:00Z' });
      expect(await lookAt(world, id)).toMatchObject({ state: 'starting', word: 'Pending' });
    });

    it('a Job that is being deleted runs until its pod is gone', async () => {
      const id = await submit();
      Object.assign(world.fake.jobs.get(id)?.metadata ?? {}, { deletionTimestamp: '2026-11-28T10:00:00Z' });
      world.statusIs(id, {}, { phase: 'Running' });
      expect(await lookAt(world, id)).toMatchObject({ state: 'running' });
      world.statusIs(id, {}, { phase: 'Failed' });
      expect(await lookAt(world, id)).toMatchObject({ state: 'cancelled' });
    });

    it('an answer that is not as documented as nothing at all', async () => {
      world.failNext('get', { status: 200, body: { metadata: {} } });
      expect(await failureIn(world.adapter.get(['x'], world.credential))).toMatchObject({
        kind: 'unknown',
        message: expect.stringContaining('metadata.name') as string,
      });
    });
  });

  describe('the list', () => {
    const byName = (a = '', b = ''): number => a.localeCompare(b);
    /** One that was submitted, and others like it. */
    const fill = async (count: number): Promise<string[]> => {
      const id = await submit();
      const made = world.fake.jobs.get(id)!;
      for (let one = 1; one < count; one += 1) {
        const name = `${id}${one}`;
        const metadata = {
          ...made.metadata,
          name,
          labels: { ...made.metadata.labels, 'lineclear.dev/run-key': name },
        };
        world.fake.jobs.set(name, { ...made, metadata });
      }
      return [...world.fake.jobs.keys()];
    };
    const list = async (): Promise<string[]> =>
      ((await world.adapter.list?.([], world.credential)) ?? []).map(({ externalId }) => externalId);

    it('has all that are ours, and what is not ours is not in it', async () => {
      const ids = await fill(3);
      const id = ids[0] ?? '';
      const theirs = { name: 'theirs', uid: 'u', creationTimestamp: '2026-11-28T10:00:00Z' };
      world.fake.jobs.set('theirs', { metadata: theirs });
      world.fake.podOf(id)!['status'] = { phase: 'Running' };
      const before = { ...world.fake.calls };
      const listed = (await world.adapter.list?.([], world.credential)) ?? [];
      expect(listed.map(({ runKey }) => runKey).toSorted(byName)).toEqual(ids.toSorted(byName));
      expect(listed.find(({ externalId }) => externalId === id)?.seen.state).toBe('running');
      expect(world.fake.calls['listJobs']).toBe((before['listJobs'] ?? 0) + 1);
      expect(world.fake.calls['listPods']).toBe((before['listPods'] ?? 0) + 1);
    });

    it('loses none when one goes while its pages are read', async () => {
      const ids = await fill(503);
      world.fake.afterPage = () => {
        world.fake.afterPage = undefined;
        world.fake.jobs.delete(ids[0] ?? '');
      };
      expect((await list()).toSorted(byName)).toEqual(ids.toSorted(byName));
    });

    it('is begun again when its pages are forgotten, and each is in it once', async () => {
      const ids = await fill(503);
      world.fake.afterPage = () => {
        world.fake.afterPage = undefined;
        world.fake.forgetPages();
      };
      expect((await list()).toSorted(byName)).toEqual(ids.toSorted(byName));
    });

    it('is given up when its pages are forgotten again and again', async () => {
      await fill(503);
      world.fake.afterPage = () => world.fake.forgetPages();
      expect((await failureIn(list())).kind).toBe('unknown');
    });
  });

  describe('the log', () => {
    const logs = (id: string, cursor: string | null, isOver = false): Promise<LogPart> =>
      world.adapter.logs(id, cursor, isOver, world.credential);
    const running = async (): Promise<{ id: string; pod: string }> => {
      const id = await submit();
      world.statusIs(id, {}, { phase: 'Running' });
      return { id, pod: world.fake.podOf(id)?.metadata.name ?? '' };
    };

    it('is empty before the container has begun', async () => {
      const { id } = await running();
      world.statusIs(id, {}, { phase: 'Pending' });
      expect((await logs(id, null)).text).toBe('');
      world.fake.pods.clear();
      const none = await logs(id, 'cursor');
      expect([none.text, none.cursorAt(0)]).toEqual(['', 'cursor']);
    });

    it('goes on within a line, and among lines of one moment', async () => {
      const { id, pod } = await running();
      world.fake.write(pod, 'one\ntwo\nthree\n', '2026-11-28T10:00:00.5Z');
      const first = await logs(id, null);
      expect(first.text).toBe('one\ntwo\nthree\n');
      const second = await logs(id, first.cursorAt('one\ntw'.length));
      expect(second.text).toBe('o\nthree\n');
      world.fake.write(pod, 'four\n', '2026-11-28T10:00:00.5Z');
      expect((await logs(id, second.cursorAt('o\n'.length))).text).toBe('three\nfour\n');
    });

    it('is in the order of the node, whatever its clock and its zone', async () => {
      const { id, pod } = await running();
      world.fake.write(pod, 'one\n', '2030-01-01T12:00:00.000000001+02:00');
      const first = await logs(id, null);
      world.fake.write(pod, 'two\n', '2030-01-01T10:00:00.00000001Z');
      expect((await logs(id, first.cursorAt(first.text.length))).text).toBe('two\n');
    });

    it('of another pod begins anew', async () => {
      const { id, pod } = await running();
      world.fake.write(pod, 'one\n');
      const first = await logs(id, null);
      const { name } = world.fake.addPod(id, { creationTimestamp: '2099-01-01T00:00:00Z' }).metadata;
      Object.assign(world.fake.pods.get(name) ?? {}, { status: { phase: 'Running' } });
      world.fake.write(name, 'again\n', '2020-01-01T00:00:00Z');
      expect((await logs(id, first.cursorAt(4))).text).toBe('again\n');
    });

    it('is read in parts of eight million bytes', async () => {
      const { id, pod } = await running();
      world.fake.write(pod, `${'x'.repeat(7_999_900)}\n`, '2026-11-28T10:00:00Z');
      world.fake.write(pod, `${'y'.repeat(200)}\n`, '2026-11-28T10:00:01Z');
      const first = await logs(id, null, true);
      expect([first.text.length, first.more]).toEqual([7_999_901, true]);
      const second = await logs(id, first.cursorAt(first.text.length), true);
      // Only whole seconds can be asked for: of this one there is no more than that.
      expect(second.text).toContain('left out');
      const third = await logs(id, second.cursorAt(second.text.length), true);
      expect([third.text, third.more]).toEqual([`${'y'.repeat(200)}\n`, false]);
    });

    it('goes on behind a line that is longer than a part', async () => {
      const { id, pod } = await running();
      world.fake.write(pod, `${'x'.repeat(8_000_100)}\n`, '2026-11-28T10:00:00Z');
      world.fake.write(pod, 'after\n', '2026-11-28T10:00:05Z');
      const texts: string[] = [];
      for (let [cursor, more]: [string | null, boolean] = [null, true]; more && texts.length < 5;) {
        const part = await logs(id, cursor, true);
        texts.push(part.text);
        [cursor, more] = [part.cursorAt(part.text.length), part.more];
      }
      expect(texts.map((text) => text.slice(0, 6))).toEqual(['[more ', 'after\n']);
    });

    it('that cannot be read is not taken for the end', async () => {
      const { id } = await running();
      world.failNext('logs', { status: 503 });
      expect((await failureIn(logs(id, null))).kind).toBe('unknown');
    });
  });
});
