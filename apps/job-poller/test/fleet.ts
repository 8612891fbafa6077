import { client, expectProblem, people, type Answer, type Client, type People } from '@lineclear/testkit';
import { expect } from 'vitest';
import type { Bench, Claim } from './bench.js';

/** A worker, as the service sees it: what `lineclear worker` says over HTTP. */
export interface FleetWorker {
  readonly id: string;
  readonly token: string;
  say(path: string, body: unknown): Promise<Answer>;
  /** Takes a task, which there has to be. */
  take(held?: readonly string[]): Promise<Answer['body']>;
  status(task: { id: string; lease: string }, state: string, more?: object): Promise<Answer>;
  log(task: { id: string; lease: string }, at: number, text: string, more?: object): Promise<Answer>;
  beat(tasks?: readonly { id: string; lease: string }[], more?: object): Promise<Answer>;
}

export interface Fleet {
  readonly admin: Client;
  readonly folk: People;
  /** Makes a worker that is there. */
  worker(said?: object, introduction?: object): Promise<FleetWorker>;
  claim(more?: Partial<Claim>): Promise<Claim>;
  list(): Promise<Record<string, Record<string, unknown>>>;
}

let made = 0;

export async function openFleet(bench: Bench): Promise<Fleet> {
  const folk = await people(bench.peer);
  const admin = client(bench.service.url, folk.add('admin').token);
  return {
    admin,
    folk,
    async worker(said = {}, introduction = {}) {
      made += 1;
      const { status, body } = await admin.post('/api/admin/workers', {
        name: `worker-${made}`,
        provider: 'fleet',
        ...said,
      });
      expect(status, JSON.stringify(body)).toBe(201);
      const worker = workerOf(bench, body.worker_id as string, body.token as string);
      const answer = await worker.say('register', { version: '1.0', ...introduction });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return worker;
    },
    claim: (more = {}) => bench.claim({ provider: 'fleet', config: { command: ['true'] }, ...more }),
    async list() {
      const { body } = await admin.get('/api/admin/workers');
      return Object.fromEntries(
        (body.workers as Record<string, unknown>[]).map((one) => [String(one['worker_id']), one]),
      );
    },
  };
}

export function workerOf(bench: Bench, id: string, token: string): FleetWorker {
  const say = (path: string, body: unknown): Promise<Answer> =>
    client(bench.service.url).post(`/api/workers/${path}`, body, { 'x-worker-token': token });
  return {
    id,
    token,
    say,
    async take(held = []) {
      const { status, body } = await say('take', { held });
      expect(status, JSON.stringify(body)).toBe(200);
      expect(body.task).not.toBeNull();
      return body.task;
    },
    status: ({ id: task, lease }, state, more = {}) => say(`tasks/${task}/status`, { lease, state, ...more }),
    log: ({ id: task, lease }, at, text, more = {}) => say(`tasks/${task}/log`, { lease, at, text, ...more }),
    beat: (tasks = [], more = {}) =>
      say('heartbeat', { tasks: tasks.map(({ id: task, lease }) => ({ id: task, lease })), ...more }),
  };
}

export function expectRefusal(answer: Answer, status: number): void {
  expectProblem(answer, JSON.stringify(answer.body));
  expect(answer.status).toBe(status);
}

/** All that the service keeps, as text. */
export async function everythingStored(bench: Bench): Promise<string> {
  const tables = ['workers', 'worker_tasks', 'worker_logs', 'runs', 'run_logs', 'outbox'];
  const rows = await Promise.all(
    tables.map((table) => bench.service.database.query(`select row_to_json(t)::text as row from ${table} t`)),
  );
  return JSON.stringify(rows);
}
