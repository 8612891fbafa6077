import {
  Injectable,
  Module,
  type DynamicModule,
  type INestApplication,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { ServiceName } from '@lineclear/contracts';
import { Database, Health, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Bus } from './bus.js';
import { watchBusMetrics } from './bus-metrics.js';
import { connectNats } from './connection.js';
import { DeadLetters } from './dead-letters.js';
import { EventStrategy } from './event-strategy.js';
import { RequestStrategy } from './requests.js';

@Injectable()
class BusLifetime implements OnApplicationShutdown {
  constructor(
    private readonly bus: Bus,
    health: Health,
    metrics: Metrics,
  ) {
    // Without NATS a service still takes work: events wait in its outbox.
    health.register({ name: 'nats', essential: false, run: async () => void (await bus.connection.rtt()) });
    watchBusMetrics(bus, metrics);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.close();
  }
}

/** The service's door to NATS: injects Bus and DeadLetters. */
@Module({})
export class BusModule {
  static of(service: ServiceName, natsUrl: string): DynamicModule {
    const bus = {
      provide: Bus,
      inject: [Database, LOGGER],
      useFactory: async (database: Database, log: Logger) =>
        new Bus(service, await connectNats(natsUrl, service, log), database, log),
    };
    const deadLetters = {
      provide: DeadLetters,
      inject: [Bus],
      useFactory: (given: Bus) => new DeadLetters(given),
    };
    return {
      module: BusModule,
      global: true,
      providers: [bus, deadLetters, BusLifetime],
      exports: [Bus, DeadLetters],
    };
  }
}

/** The microservice strategies a service connects: durable events, and request/reply. */
export function busTransports(app: INestApplication): { strategy: object }[] {
  const bus = app.get(Bus);
  return [
    { strategy: new EventStrategy(bus, app.get(DeadLetters)) },
    { strategy: new RequestStrategy(bus.connection, bus.service) },
  ];
}
