import { evaluateJobs } from '@lineclear/contracts';
import type { RunningService } from '@lineclear/kit';
import type { Peer } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask, askPatiently, Bus, NotYet } from './index.js';
import { JOB, Notes, openNotes, submitted, type NotesHouse } from './notes.fixture.js';

let house: NotesHouse;
let service: RunningService;
let peer: Peer;
let boot: NotesHouse['boot'];

beforeAll(async () => {
  house = await openNotes();
  ({ service, peer, boot } = house);
});
afterAll(() => house?.close());

it('answers questions by the contract, and says so when the answerer fails or is away', async () => {
  const facts = submitted(1).facts;
  await expect(peer.ask(evaluateJobs, { jobs: [facts] })).resolves.toEqual({
    verdicts: [{ job_id: JOB(1), approval: null }],
  });
  await expect(peer.ask(evaluateJobs, { jobs: [facts, facts] })).rejects.toThrow('the answerer failed');
  const bus = service.app.get(Bus);
  await expect(
    ask(bus, { ...evaluateJobs, subject: 'ask.approvals.nobody' as never }, { jobs: [facts] }, 500),
  ).rejects.toThrow('does not answer');
  await expect(ask(bus, evaluateJobs, { jobs: [facts, facts] }, 5_000)).rejects.toMatchObject({
    status: 503,
  });
  await expect(ask(bus, evaluateJobs, { jobs: [facts, facts, facts] }, 5_000)).rejects.toMatchObject({
    status: 422,
    code: 'conflict',
    message: 'the rules say no',
  });
});

it('lets who handles an event wait for an answer, but not for another one', async () => {
  const facts = submitted(1).facts;
  const bus = service.app.get(Bus);
  const nobody = { ...evaluateJobs, subject: 'ask.approvals.nobody' as never };
  await expect(askPatiently(bus, nobody, { jobs: [facts] }, 500)).rejects.toBeInstanceOf(NotYet);
  await expect(askPatiently(bus, evaluateJobs, { jobs: [facts] }, 5_000)).resolves.toHaveProperty('verdicts');
  await expect(askPatiently(bus, evaluateJobs, { jobs: [facts, facts, facts] }, 5_000)).rejects.toMatchObject(
    {
      status: 422,
    },
  );
});

it('answers the questions under way before it closes', async () => {
  const second = await boot();
  Notes.slow = second.app.get(Bus);
  let open = (): void => undefined;
  Notes.gate = new Promise((resolve) => {
    open = resolve;
  });
  const asked: Promise<unknown>[] = [];
  await vi.waitFor(() => {
    // The two replicas share the questions.
    asked.push(peer.ask(evaluateJobs, { jobs: [submitted(1).facts] }));
    expect(Notes.entered).toBe(true);
  });
  const closing = second.close();
  open();
  await closing;
  expect(await Promise.all(asked)).toHaveLength(asked.length);
});
