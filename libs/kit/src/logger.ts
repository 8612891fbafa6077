import type { LoggerService } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { pino, type Logger as Pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { workIds } from './context.js';

export type Logger = Pino;

/** What an error says, without what hangs on it: pg puts its whole client there, TypeORM the values of a query. */
export function outlineOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack, code } = pino.stdSerializers.err(error);
  return { type, message, stack, ...(code === undefined ? {} : { code: code as unknown }) };
}

/** One logger per process: JSON lines, or one readable line each; every line carries the request's and the trace's id. */
export function createLogger(options: { name: string; format: 'json' | 'pretty'; level: string }): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      base: { service: options.name },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const span = trace.getActiveSpan()?.spanContext();
        return { ...workIds(), ...(span ? { trace_id: span.traceId } : {}) };
      },
      serializers: { err: outlineOf },
    },
    options.format === 'json'
      ? pino.destination({ fd: 1, sync: true })
      : PinoPretty({
          messageKey: 'message',
          singleLine: true,
          ignore: 'pid,hostname,service,name',
          translateTime: 'SYS:HH:MM:ss.l',
          colorize: process.stdout.isTTY,
          sync: true,
        }),
  );
}

/** Nest's own messages through our logger; its chatter about modules and routes only at debug. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  #write(level: 'warn' | 'error' | 'debug', message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    if (message instanceof Error) this.logger[level]({ err: message, context }, message.message);
    else
      this.logger[level](
        { context, ...(level === 'error' && rest.length > 1 ? { stack: rest[0] } : {}) },
        String(message),
      );
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }
}
