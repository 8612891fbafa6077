import { Controller, Get, Inject, Res, SetMetadata } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { Health } from './health.js';
import { Metrics } from './metrics.js';
import { ACCESS, openApiOf } from './openapi.js';
import { SERVICE_NAME } from './tokens.js';

const Open = (): MethodDecorator => SetMetadata(ACCESS, { public: true, uncounted: true });

/** What operators and the gateway ask of each process; not reachable through the gateway's front door. */
@Controller()
export class OperationsController {
  #document: string | undefined;

  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
    private readonly discovery: DiscoveryService,
    @Inject(SERVICE_NAME) private readonly service: string,
  ) {}

  @Get('health/live')
  @Open()
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Open()
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const report = await this.health.report();
    const ready = report.status !== 'unhealthy';
    await reply
      .status(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : 'not_ready', components: report.components });
  }

  @Get('health')
  @Open()
  async deep(@Res() reply: FastifyReply): Promise<void> {
    const report = await this.health.report();
    await reply.status(report.status === 'unhealthy' ? 503 : 200).send(report);
  }

  @Get('metrics')
  @Open()
  async prometheus(@Res() reply: FastifyReply): Promise<void> {
    await reply
      .header('content-type', this.metrics.registry.contentType)
      .send(await this.metrics.registry.metrics());
  }

  @Get('openapi.json')
  @Open()
  async openapi(@Res() reply: FastifyReply): Promise<void> {
    this.#document ??= JSON.stringify(openApiOf(this.service, this.discovery));
    await reply.header('content-type', 'application/json').send(this.#document);
  }
}
