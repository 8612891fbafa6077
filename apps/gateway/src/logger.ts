import { pino, type Logger } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Config } from './config.js';

/**
 * Lines in the form of the services' own. Not from @lineclear/kit, whose one door loads Nest, TypeORM and BullMQ:
 * with it this process takes 50 MB more.
 */
export function createLogger({ logFormat, logLevel }: Pick<Config, 'logFormat' | 'logLevel'>): Logger {
  const options = {
    level: logLevel,
    base: { service: 'gateway' },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (logFormat === 'json') return pino(options, pino.destination({ fd: 1, sync: true }));
  const pretty = {
    messageKey: 'message',
    singleLine: true,
    ignore: 'service',
    translateTime: 'SYS:HH:MM:ss.l',
  };
  return pino(options, PinoPretty({ ...pretty, colorize: process.stdout.isTTY, sync: true }));
}
