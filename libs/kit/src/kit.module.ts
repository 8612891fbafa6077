import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Clock } from './clock.js';
import type { ConfigFile } from './config-file.js';
import { Database } from './database.js';
import { Health } from './health.js';
import type { Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { OperationsController } from './operations.controller.js';
import { CONFIG, CONFIG_FILE, LOGGER, SERVICE_NAME } from './tokens.js';

export interface KitParts {
  readonly name: string;
  readonly config: object;
  readonly file: ConfigFile;
  readonly log: Logger;
  readonly clock: Clock;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly health: Health;
}

/** What every part of a service may inject: CONFIG, CONFIG_FILE, LOGGER, SERVICE_NAME, Clock, Database, Metrics, Health. */
@Module({})
export class KitModule {
  static of(parts: KitParts): DynamicModule {
    const providers = [
      { provide: SERVICE_NAME, useValue: parts.name },
      { provide: CONFIG, useValue: parts.config },
      { provide: CONFIG_FILE, useValue: parts.file },
      { provide: LOGGER, useValue: parts.log },
      { provide: Clock, useValue: parts.clock },
      { provide: Database, useValue: parts.database },
      { provide: Metrics, useValue: parts.metrics },
      { provide: Health, useValue: parts.health },
    ];
    return {
      module: KitModule,
      global: true,
      imports: [DiscoveryModule],
      controllers: [OperationsController],
      providers,
      exports: providers.map((p) => p.provide),
    };
  }
}
