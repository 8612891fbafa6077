import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SystemClock, type Clock } from './clock.js';
import type { ServiceConfig } from './config.js';
import { configFile, type ConfigFile } from './config-file.js';
import { openDatabase, type Database, type DatabaseOptions } from './database.js';
import { Health } from './health.js';
import { createHttpAdapter, prepareHttp } from './http.js';
import { KitModule } from './kit.module.js';
import { createLogger, NestLogger, type Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { ProblemFilter } from './problem.js';
import { startTracing } from './tracing.js';
import { ValidationPipe } from './validate.js';

/** Everything that makes one service out of its parts. */
export interface ServiceDefinition<Config extends ServiceConfig = ServiceConfig> {
  readonly name: string;
  readonly config: Config;
  /** The service's one module, and those of the libs it uses. */
  readonly modules: readonly DynamicModule[];
  readonly entities: DatabaseOptions['entities'];
  readonly migrations: DatabaseOptions['migrations'];
  /** Nest microservice strategies (the bus's) to start before HTTP opens. */
  readonly transports?: (app: INestApplication) => readonly { strategy: object }[];
  readonly clock?: Clock;
  /** The configuration file; without it all of it is as by default. */
  readonly file?: ConfigFile;
}

export interface RunningService {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly database: Database;
  readonly log: Logger;
  /** Stops taking work, finishes what runs, closes what was opened. */
  close(): Promise<void>;
}

const NO_FILE = configFile.parse({});
const KEEP_ALIVE_MS = 72_000;
const CUT_AFTER_MS = 5_000;

/** Boots a service: tracing, database (migrated), Nest, transports, HTTP. */
export async function startService<Config extends ServiceConfig>(
  definition: ServiceDefinition<Config>,
): Promise<RunningService> {
  const { name, file = NO_FILE } = definition;
  const config = Object.freeze({
    ...definition.config,
    PUBLIC_URL: file.auth.public_url ?? definition.config.PUBLIC_URL,
  });
  const log = createLogger({ name, format: config.LINECLEAR_LOG_FORMAT, level: config.LINECLEAR_LOG_LEVEL });
  const stopTracing = startTracing(name, config.OTEL_EXPORTER_OTLP_ENDPOINT);
  const clock = definition.clock ?? new SystemClock();
  const metrics = new Metrics(name);
  const health = new Health(name, clock);
  const database = await openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    entities: definition.entities,
    migrations: definition.migrations,
    log,
  });
  health.register({
    name: 'database',
    essential: true,
    run: async () => void (await database.query('select 1')),
  });

  const kit = KitModule.of({ name, config, file, log, clock, database, metrics, health });
  const root: DynamicModule = { module: class Root {}, imports: [kit, ...definition.modules] };
  const app = await NestFactory.create<NestFastifyApplication>(
    root,
    createHttpAdapter(file.network, config.PUBLIC_URL),
    {
      bodyParser: false,
      logger: new NestLogger(log),
      abortOnError: false,
    },
  );
  prepareHttp(app, metrics, log);
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  for (const transport of definition.transports?.(app) ?? [])
    app.connectMicroservice(transport as never, { inheritAppConfig: false });
  await app.startAllMicroservices();
  await app.listen(config.PORT, config.HOST);
  // Longer than the gateway keeps its connections, so that it is never the server that closes one in use.
  const server = app.getHttpServer() as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;

  async function close(): Promise<void> {
    health.stopping();
    // Streams and slow clients get this long to end by themselves.
    const cut = setTimeout(() => server.closeAllConnections(), CUT_AFTER_MS);
    await app.close();
    clearTimeout(cut);
    await database.close();
    await stopTracing();
  }
  let closing: Promise<void> | undefined;

  return {
    url: `http://${config.HOST}:${(server.address() as AddressInfo).port}`,
    app,
    database,
    log,
    // Two signals are one wish: a second stop would end before the first one has.
    close: () => (closing ??= close()),
  };
}

const STOP_DEADLINE_MS = 10_000;

/** What every main.ts does: boots the service and stays until SIGTERM or SIGINT. */
export async function runService<Config extends ServiceConfig>(
  define: () => ServiceDefinition<Config>,
): Promise<void> {
  let service: RunningService;
  try {
    service = await startService(define());
  } catch (error) {
    // No logger yet, or a broken configuration: say why and go.
    console.error(error instanceof Error && error.name === 'ConfigError' ? error.message : error);
    process.exit(1);
  }
  const stop = (signal: string): void => {
    service.log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    service.close().then(
      () => process.exit(0),
      (error: unknown) => {
        service.log.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  service.log.info({ url: service.url }, 'ready');
}
