import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { Bus } from '@lineclear/bus';
import { Clock, Metrics } from '@lineclear/kit';
import { AccessGuard } from './access.guard.js';
import { AuditTrail } from './audit-trail.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { InternalCallers } from './internal-callers.js';
import { AskAuth, PRINCIPAL_TTL_SECONDS, Principals, TokenLookup } from './principals.js';
import { RateLimits } from './rate-limits.js';
import { Refusals } from './refusals.js';

export interface AccessOptions {
  readonly principalTtlSeconds?: number;
  /** The auth service looks tokens up in its own tables; everyone else asks it. */
  readonly lookup?: Provider;
  readonly imports?: DynamicModule['imports'];
}

/** Closes every route of a service but those marked otherwise. */
@Module({})
export class AccessModule {
  static of(options: AccessOptions = {}): DynamicModule {
    const lookup: Provider = options.lookup ?? {
      provide: TokenLookup,
      inject: [Bus],
      useFactory: (bus: Bus) => new AskAuth(bus),
    };
    const principals: Provider = {
      provide: Principals,
      inject: [TokenLookup, Bus, Clock, Metrics],
      useFactory: (found: TokenLookup, bus: Bus, clock: Clock, metrics: Metrics) =>
        new Principals(found, bus, clock, options.principalTtlSeconds ?? PRINCIPAL_TTL_SECONDS, metrics),
    };
    return {
      module: AccessModule,
      global: true,
      imports: [DiscoveryModule, ...(options.imports ?? [])],
      controllers: [DeadLettersController],
      providers: [
        lookup,
        principals,
        InternalCallers,
        RateLimits,
        Refusals,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: AuditTrail },
      ],
      exports: [Principals],
    };
  }
}
