import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { Allow, canFor, Who } from '@lineclear/access';
import { fields, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RunLogsRepo } from '../db/run-logs.repo.js';
import { RunsRepo } from '../db/runs.repo.js';
import type { Run } from '../domain/run.js';
import { parseCursor, readPart } from './log-part.js';
import { LogStreams } from './log-streams.js';

const cursor = z.string().regex(/^\d{1,9}\.\d{1,9}$/, 'is not a cursor of this log');
const logsQuery = z.strictObject({
  cursor: cursor.optional(),
  /** Pieces of output, of at most 64,000 characters each. */
  limit: z.coerce.number().int().min(1).max(200).default(100),
});
const streamQuery = z.strictObject({ cursor: cursor.optional() });
const logsAnswer = z.object({
  job_id: z.string(),
  attempt: z.int(),
  logs: z.string(),
  /** Give it back to read on. */
  cursor: z.string(),
  /** The run is over and this is the end of its output. */
  is_final: z.boolean(),
  /** There was more output than is kept. */
  truncated: z.boolean(),
});

/** What jobs print. */
@Controller('api/cloud/jobs')
export class LogsController {
  constructor(
    private readonly database: Database,
    private readonly runs: RunsRepo,
    private readonly logs: RunLogsRepo,
    private readonly streams: LogStreams,
  ) {}

  @Get(':id/logs')
  @Allow()
  @Answers(200, logsAnswer, "Reads a job's output, from the start of its newest attempt or from a cursor on")
  async read(
    @Param('id', { schema: fields.jobId }) jobId: string,
    @Query({ schema: logsQuery }) query: z.infer<typeof logsQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof logsAnswer>> {
    const from = parseCursor(query.cursor);
    const run = await this.#visible(jobId, from.attempt, who);
    const part = await readPart(this.database, this.logs, run, from.seq, query.limit);
    return {
      job_id: jobId,
      attempt: run.attempt,
      logs: part.text,
      cursor: part.cursor,
      is_final: part.isFinal,
      truncated: part.truncated,
    };
  }

  @Get(':id/logs/stream')
  @Allow()
  @Answers(
    200,
    null,
    "Follows a job's output as server-sent events: `log` with `{logs}`, at the end `done`; Last-Event-ID resumes",
  )
  async stream(
    @Param('id', { schema: fields.jobId }) jobId: string,
    @Query({ schema: streamQuery }) query: z.infer<typeof streamQuery>,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Who() who: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const resumed = cursor.safeParse(lastEventId);
    const from = parseCursor(resumed.success ? resumed.data : query.cursor);
    const run = await this.#visible(jobId, from.attempt, who);
    await this.streams.follow(run, from.seq, request, reply);
  }

  async #visible(jobId: string, attempt: number | undefined, who: Principal): Promise<Run> {
    const run =
      attempt === undefined
        ? await this.runs.latest(this.database, jobId)
        : await this.runs.find(this.database, jobId, attempt);
    // Another one's job is answered like one that is not there.
    if (!run || !canFor(who, 'job.view', run)) throw new NotFound('log of job', jobId);
    return run;
  }
}
