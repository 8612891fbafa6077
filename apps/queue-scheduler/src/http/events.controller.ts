import { Controller, Get, Headers, Req, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, TooMany, validate } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LiveClient } from '../live/live-client.js';
import { LiveHub } from '../live/live-hub.js';

const MAX_CLIENTS = 5_000;
const lastEventId = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

/** What happens to jobs, as it happens. */
@Controller('api/events')
export class EventsController {
  constructor(private readonly hub: LiveHub) {}

  @Get()
  @Allow('job.view.own')
  @Answers(
    200,
    null,
    'Server-sent events about jobs and their approvals; Last-Event-ID goes on where a connection broke',
  )
  async open(
    @Headers('last-event-id') last: string | undefined,
    @Who() who: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const resumeAfter = validate(lastEventId, last || undefined, 'Last-Event-ID');
    if (this.hub.size >= MAX_CLIENTS) throw new TooMany('too many open event streams', 30);
    // It left while it was looked up: its close has been, and nothing else would end its stream.
    if (reply.raw.destroyed) return;
    const client = new LiveClient(reply.raw, who, resumeAfter);
    reply.raw.once('close', () => this.hub.leave(client));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': request.id,
    });
    // Once a client has read this, whatever happens next is shown to it.
    await this.hub.join(client, resumeAfter).catch(() => client.drop());
    if (!reply.raw.destroyed) reply.raw.write('retry: 2000\n\n');
  }
}
