import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Body = Record<string, unknown>;
/** What the server answers; undefined for the usual, 'cut' for nothing at all. */
type Answering = (path: string, body: Body) => { status: number; body: object } | 'cut' | undefined;

/** The server of workers, with one task to hand out, and what workers say to it. */
export interface WorkerServer {
  readonly url: string;
  readonly said: readonly { readonly path: string; readonly body: Body }[];
  /** The output of the task, as it came. */
  output(): string;
  /** The states that were told of the task, in turn. */
  states(): unknown[];
  answer: Answering;
  close(): Promise<void>;
}

export const TASK = {
  id: `lc-${'0'.repeat(32)}-a1`,
  lease: '00000000-0000-4000-8000-000000000001',
  job_id: `job_${'0'.repeat(32)}`,
  attempt: 1,
  hardware: 'a100',
  env: [],
  files: [],
  max_runtime_seconds: null,
  output_path: null,
};

/** Serves one task with this command, to whoever asks first. */
export async function startWorkerServer(command: readonly string[]): Promise<WorkerServer> {
  const said: { path: string; body: Body }[] = [];
  let isTaken = false;
  let output = '';
  const usual = (path: string, body: Body): object => {
    if (path === 'register')
      return { worker_id: 'w', name: 'here', provider: 'fleet', heartbeat_seconds: 0.1 };
    if (path === 'heartbeat') return { stop: [], abandon: [] };
    if (path.endsWith('/log')) {
      output += String(body['text']);
      return { taken: String(body['text']).length, stop: false };
    }
    if (path.endsWith('/status')) return { accepted: true };
    const task = isTaken ? null : { ...TASK, config: { command, env: {} } };
    isTaken = true;
    return { task };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = (request.url ?? '').replace('/api/workers/', '');
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
      said.push({ path, body });
      const answer = made.answer(path, body) ?? { status: 200, body: usual(path, body) };
      if (answer === 'cut') return void request.socket.destroy();
      // Nobody is kept waiting where there is no task; workers then ask again at once.
      const waitMs = path === 'take' && isTaken ? 50 : 0;
      setTimeout(() => {
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer.body));
      }, waitMs);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: WorkerServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    output: () => output,
    states: () => said.filter(({ path }) => path.endsWith('/status')).map(({ body }) => body['state']),
    answer: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return made;
}
