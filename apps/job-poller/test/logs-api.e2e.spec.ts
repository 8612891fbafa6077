import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { client, people, expectProblem, type People } from '@lineclear/testkit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RunLogsRepo } from '../src/db/run-logs.repo.js';
import { RunsRepo } from '../src/db/runs.repo.js';
import { LogStreams } from '../src/http/log-streams.js';
import { LogTail } from '../src/jobs/log-tail.js';
import { claimOf, keyOf, openBench, PATIENCE, type Bench, type Claim } from './bench.js';

let bench: Bench;
let folk: People;
beforeAll(async () => {
  bench = await openBench();
  folk = await people(bench.peer);
});
afterAll(async () => bench?.stop());

const urlOf = (claim: Pick<Claim, 'job_id'>, rest = ''): string =>
  `/api/cloud/jobs/${claim.job_id}/logs${rest}`;

/** A run that is over, with this output. */
async function finished(log: string, more: Partial<Claim> = {}): Promise<Claim> {
  const claim = await bench.claim(more);
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  bench.provider.change(keyOf(claim), { log, status: 'succeeded' });
  await bench.end(claim);
  return claim;
}

it('gives the whole log, and piece by piece with a cursor', async () => {
  const ada = folk.add('researcher');
  const log = `${'line of output\n'.repeat(12_000)}last line without an end`;
  const claim = await finished(log, { user_id: ada.principal.user_id });
  const http = client(bench.service.url, ada.token);
  const whole = await http.get(urlOf(claim));
  expect(whole.status).toBe(200);
  expect(whole.body).toMatchObject({
    job_id: claim.job_id,
    attempt: 1,
    logs: log,
    is_final: true,
    truncated: false,
  });

  let text = '';
  let cursor = '1.0';
  for (let isFinal = false; !isFinal;) {
    const { body } = await http.get(urlOf(claim, `?limit=1&cursor=${cursor}`));
    text += body.logs;
    ({ cursor, is_final: isFinal } = body);
  }
  expect(text).toBe(log);
});

it('is not final while the run goes on, and shows the newest attempt', async () => {
  const ada = folk.add('researcher');
  const http = client(bench.service.url, ada.token);
  const first = await finished('first attempt\n', { user_id: ada.principal.user_id });
  const second = await bench.claim({ ...first, attempt: 2, claim_id: claimOf().claim_id });
  await vi.waitFor(() => expect(bench.started(second)).toHaveLength(1), PATIENCE);
  expect((await http.get(urlOf(first))).body).toMatchObject({ attempt: 2, logs: '', is_final: false });
  expect((await http.get(urlOf(first, '?cursor=1.0'))).body).toMatchObject({
    attempt: 1,
    logs: 'first attempt\n',
    is_final: true,
  });
});

it('shows a log to its owner and to those who see all jobs, and to nobody else', async () => {
  const [ada, bob, lead] = [folk.add('researcher'), folk.add('researcher'), folk.add('lead')];
  const foreign = folk.add('lead', { org: { id: 2, slug: 'globex' } });
  const claim = await finished('hello\n', { user_id: ada.principal.user_id });
  const acmes = await finished('hello\n', { org_id: 1 });
  const statusFor = async (token: string | undefined, path: string): Promise<number> =>
    (await client(bench.service.url, token).get(path)).status;
  for (const [person, status] of [
    [lead, 404],
    [foreign, 404],
    [folk.add('lead', { org: { id: 1, slug: 'acme' } }), 200],
    [folk.add('admin'), 200],
  ] as const)
    expect(await statusFor(person.token, urlOf(acmes))).toBe(status);
  for (const path of [urlOf(claim), urlOf(claim, '/stream')]) {
    expect(await statusFor(undefined, path)).toBe(401);
    expect(await statusFor(ada.token, path)).toBe(200);
    expect(await statusFor(lead.token, path)).toBe(200);
    expect(await statusFor(foreign.token, path)).toBe(404);
    const other = await client(bench.service.url, bob.token).get(path);
    const none = await client(bench.service.url, bob.token).get(
      path.replace(claim.job_id, `job_${'0'.repeat(32)}`),
    );
    expect([other.status, none.status]).toEqual([404, 404]);
    expect(other.body.detail.replace(claim.job_id, '')).toBe(
      none.body.detail.replace(`job_${'0'.repeat(32)}`, ''),
    );
  }
});

it.each(['?cursor=abc', '?cursor=1.99999999999', '?limit=0', '?limit=1000', '?limit=x', '?unknown=1'])(
  'refuses %s',
  async (query) => {
    const http = client(bench.service.url, folk.add('admin').token);
    const field = /\?(\w+)=/.exec(query)![1]!;
    expectProblem(await http.get(urlOf(claimOf(), query)), query, field);
  },
);

it.each(['job_1', 'nothing', '%00', 'job_'.padEnd(250, 'a')])('refuses the job id %s', async (id) => {
  const http = client(bench.service.url, folk.add('admin').token);
  for (const path of [`/api/cloud/jobs/${id}/logs`, `/api/cloud/jobs/${id}/logs/stream`])
    expectProblem(await http.get(path), path);
});

interface Message {
  readonly event: string;
  readonly id: string;
  readonly data: { logs?: string };
}

/** Reads a stream of server-sent events as it comes. */
async function follow(
  path: string,
  token: string,
  headers: Record<string, string> = {},
): Promise<{ messages: Message[]; over: Promise<void>; leave(): void }> {
  const leave = new AbortController();
  const response = await fetch(new URL(path, bench.service.url), {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: leave.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const messages: Message[] = [];
  const read = async (): Promise<void> => {
    let held = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (held + chunk).split('\n\n');
      held = blocks.pop()!;
      for (const block of blocks) {
        const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
        if (fields.has('event'))
          messages.push({
            event: fields.get('event')!,
            id: fields.get('id')!,
            data: JSON.parse(fields.get('data')!) as Message['data'],
          });
      }
    }
  };
  return { messages, over: read().catch(() => undefined), leave: () => leave.abort() };
}

it('streams output as it comes, resumes after an interruption, and ends with the run', async () => {
  const ada = folk.add('researcher');
  const claim = await bench.claim({ user_id: ada.principal.user_id });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const stream = await follow(urlOf(claim, '/stream'), ada.token);
  bench.provider.change(keyOf(claim), { log: 'one\n' });
  await vi.waitFor(() => expect(stream.messages.map(({ data }) => data.logs)).toEqual(['one\n']), PATIENCE);
  stream.leave();
  await stream.over;

  const again = await follow(urlOf(claim, '/stream'), ada.token, { 'last-event-id': stream.messages[0]!.id });
  bench.provider.change(keyOf(claim), { log: 'one\ntwo\n', status: 'succeeded' });
  await again.over;
  expect(again.messages.map(({ event }) => event)).toEqual(['log', 'done']);
  expect(again.messages[0]!.data.logs).toBe('two\n');
});

it('lets go of streams when the service stops', async () => {
  const ada = folk.add('researcher');
  const claim = await bench.claim({ user_id: ada.principal.user_id });
  await vi.waitFor(() => expect(bench.started(claim)).toHaveLength(1), PATIENCE);
  const stream = await follow(urlOf(claim, '/stream'), ada.token);
  await bench.restart();
  await stream.over;
  expect(stream.messages).toEqual([]);
});

it('follows nothing for a reader who went while the run was looked up', async () => {
  const claim = await bench.claim();
  const { database } = bench.service;
  const run = await vi.waitFor(async () => {
    const found = await new RunsRepo().find(database, claim.job_id, 1);
    expect(found).toBeDefined();
    return found!;
  }, PATIENCE);
  const streams = new LogStreams(database, new RunsRepo(), new RunLogsRepo(), new LogTail());
  const over = new Promise<void>((resolve, reject) => {
    const server = createServer((request, response) => {
      const reply = { raw: response, hijack: () => undefined } as unknown as FastifyReply;
      Promise.all([request, response].map((one) => new Promise((gone) => one.once('close', gone))))
        .then(() => streams.follow(run, 0, { raw: request, id: 'x' } as FastifyRequest, reply))
        .then(resolve, reject)
        .finally(() => server.close());
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
      server.once('request', () => socket.destroy());
    });
  });
  await over;
});
