import { Controller, Get, Headers, Req, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, validate } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { placeFrom } from '../live/event-id.js';
import { LiveClient } from '../live/live-client.js';
import { LiveHub } from '../live/live-hub.js';

const lastEventId = z
  .string()
  .max(40)
  .transform((id, context) => {
    const place = placeFrom(id);
    if (!place) context.addIssue({ code: 'custom', message: 'is not the id of an event' });
    return place ?? z.NEVER;
  })
  .optional();

/** What happens to jobs, as it happens. */
@Controller('api/events')
export class EventsController {
  constructor(private readonly hub: LiveHub) {}

  @Get()
  @Allow('job.view.own')
  @Answers(
    200,
    null,
    'Server-sent events about jobs and their approvals; Last-Event-ID goes on where a connection broke, and where that is too long ago `reset` says so',
  )
  async open(
    @Headers('last-event-id') last: string | undefined,
    @Who() who: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const from = validate(lastEventId, last || undefined, 'Last-Event-ID');
    this.hub.requireRoom(who);
    // It left while it was looked up: its close has been, and nothing else would end its stream.
    if (reply.raw.destroyed) return;
    const client = new LiveClient(reply.raw, who);
    reply.raw.once('close', () => this.hub.leave(client));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': request.id,
    });
    // The head goes out with the first words: once a client has read it, whatever happens next is shown to it.
    await this.hub.join(client, from).catch(() => client.drop());
  }
}
