import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { currentRequest, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { Counter } from 'prom-client';
import { tap, type Observable } from 'rxjs';
import { CHANGES_NOTHING, isSafe } from './decorators.js';
import { Refusals } from './refusals.js';

/** Sees to it that nobody forgets the audit log: whatever changes something must have told it by the time it answers. */
@Injectable()
export class AuditTrail implements NestInterceptor {
  readonly #missing: Counter;

  constructor(
    private readonly reflector: Reflector,
    private readonly refusals: Refusals,
    metrics: Metrics,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#missing = new Counter({
      name: 'lineclear_audit_missing_total',
      help: 'Requests that changed something, or could have, and told the audit log nothing; each is a bug',
      labelNames: ['method', 'route'],
      registers: [metrics.registry],
    });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const mustRecord =
      !isSafe(request.method) &&
      !this.reflector.get<boolean | undefined>(CHANGES_NOTHING, context.getHandler());
    return next.handle().pipe(
      tap({
        error: (error: unknown) => this.refusals.note(error, request),
        complete: () => {
          if (mustRecord && currentRequest()?.recorded === undefined) this.#forgotten(request);
        },
      }),
    );
  }

  #forgotten({ method, routeOptions: { url: route = '?' } }: FastifyRequest): void {
    this.#missing.inc({ method, route });
    this.log.error({ method, route }, 'a change was made that the audit log knows nothing of');
  }
}
