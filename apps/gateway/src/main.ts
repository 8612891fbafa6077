import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { buildApp } from './app.js';
import { readConfig } from './config.js';

const SHUTDOWN_DEADLINE_MS = 10_000;

const config = readConfig();
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const log = pino({ level: config.logLevel });
const app = buildApp({ origins: config.origins, metricsPublic: config.metricsPublic, version, log });

async function stop(signal: NodeJS.Signals): Promise<void> {
  log.info(`${signal}: finishing what runs`);
  setTimeout(() => {
    log.warn('requests still ran at the deadline and were cut off');
    process.exit(1);
  }, SHUTDOWN_DEADLINE_MS).unref();
  await app.close();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, (name) => void stop(name));

await app.listen({ host: config.host, port: config.port });
