import { readFileSync } from 'node:fs';
import { buildApp } from './app.js';
import { readConfig } from './config.js';
import { createLogger } from './logger.js';

const STOP_DEADLINE_MS = 10_000;

async function start(): Promise<void> {
  const config = readConfig();
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const log = createLogger(config);
  const { origins, metricsPublic, publicUrl } = config;
  const app = buildApp({ origins, metricsPublic, publicUrl, version, log });
  await app.listen({ host: config.host, port: config.port, listenTextResolver: (url) => `ready on ${url}` });

  const stop = (signal: string): void => {
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.warn('requests still ran at the deadline and were cut off');
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

start().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
