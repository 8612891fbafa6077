import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database, TooMany } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunLogsRepo } from '../db/run-logs.repo.js';
import { RunsRepo } from '../db/runs.repo.js';
import type { Run } from '../domain/run.js';
import { LogTail } from '../jobs/log-tail.js';
import { readPart } from './log-part.js';

const MAX_STREAMS = 1_000;
const PIECES = 50;
// Other replicas store output too, and cannot wake streams of this one.
const LOOK_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;

/** Open streams of output, as server-sent events. */
@Injectable()
export class LogStreams implements BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  #open = 0;

  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepo,
    private readonly logs: RunLogsRepo,
    private readonly tail: LogTail,
  ) {}

  beforeApplicationShutdown(): void {
    this.#stop.abort();
  }

  /** Sends output from a piece on until the run is over or the reader goes. */
  async follow(run: Run, seq: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#open >= MAX_STREAMS) throw new TooMany('too many logs are being followed', 10);
    this.#open += 1;
    const gone = new AbortController();
    request.raw.once('close', () => gone.abort());
    reply.raw.once('close', () => gone.abort());
    // Gone while the run was looked up: nothing says so any more.
    if (reply.raw.destroyed) gone.abort();
    reply.hijack();
    try {
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        // A stream that ends at shutdown must not leave a connection that the shutdown then waits for.
        connection: 'close',
        'x-accel-buffering': 'no',
        'x-request-id': request.id,
      });
      reply.raw.flushHeaders();
      await this.#send(run, seq, reply.raw, AbortSignal.any([gone.signal, this.#stop.signal]));
    } catch (error) {
      // The headers are out: all that can be said is that this stream is over. The reader comes back with Last-Event-ID.
      if (!gone.signal.aborted) request.log.error({ err: error }, 'a log stream broke');
    } finally {
      this.#open -= 1;
      reply.raw.end();
    }
  }

  async #send(first: Run, from: number, to: ServerResponse, signal: AbortSignal): Promise<void> {
    let seq = from;
    let quietSinceMs = performance.now();
    for (
      let run: Run | undefined = first;
      run && !signal.aborted;
      run = await this.runs.find(this.database, first.jobId, first.attempt)
    ) {
      const part = await readPart(this.database, this.logs, run, seq, PIECES);
      const { cursor } = part;
      seq = Number(cursor.split('.')[1]);
      if (part.text !== '') await write(to, message('log', cursor, { logs: part.text }), signal);
      if (part.isFinal)
        return write(
          to,
          message('done', cursor, { attempt: run.attempt, truncated: part.truncated }),
          signal,
        );
      if (part.text !== '') quietSinceMs = performance.now();
      else if (performance.now() - quietSinceMs > KEEP_ALIVE_MS) {
        quietSinceMs = performance.now();
        await write(to, ': still here\n\n', signal);
      }
      if (part.text === '') await this.tail.more(run.id, LOOK_MS, signal);
    }
  }
}

const message = (event: string, id: string, data: object): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;

/** Waits for a slow reader instead of keeping its output in memory. */
async function write(to: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!to.write(text)) await once(to, 'drain', { signal });
}
