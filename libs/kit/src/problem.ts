import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isDatabaseAway } from './database.js';
import { AppError, Unavailable } from './errors.js';
import type { Logger } from './logger.js';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly { path: string; message: string }[];
  readonly request_id?: string;
}

/** What the caller is told about an error: all of an AppError, only the outline of anything unexpected. */
export function problemOf(error: unknown, requestId?: string): Problem {
  const known = describe(asAppError(error));
  return {
    type: `urn:lineclear:problem:${known.code}`,
    ...known,
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

/** A database that is away is not a bug but a reason to try again. */
const asAppError = (error: unknown): unknown =>
  isDatabaseAway(error)
    ? new Unavailable('the database is not reachable right now', { cause: error })
    : error;

function describe(error: unknown): Omit<Problem, 'type'> {
  if (error instanceof AppError) {
    const { title, status, message: detail, code, errors } = error;
    return { title, status, detail, code, ...(errors && errors.length > 0 ? { errors } : {}) };
  }
  const status = statusOf(error);
  if (status === 404)
    return { title: 'Not found', status, detail: 'there is nothing at this path', code: 'not_found' };
  if (status === 413)
    return {
      title: 'The request is too large',
      status,
      detail: 'the body is larger than this route takes',
      code: 'too_large',
    };
  if (status === 415)
    return {
      title: 'Unsupported media type',
      status,
      detail: 'send JSON (content-type: application/json)',
      code: 'unsupported_media_type',
    };
  if (status !== undefined && status < 500) {
    return {
      title: 'The request is not valid',
      status,
      detail: error instanceof Error ? error.message : 'bad request',
      code: 'bad_request',
    };
  }
  return {
    title: 'An error on our side',
    status: 500,
    detail: 'this is a bug; the log has it under the request id',
    code: 'internal',
  };
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  // Fastify's own errors (bad paths, too large) carry their status. Anyone else's statusCode is about another answer.
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  return typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number'
    ? statusCode
    : undefined;
}

/** Turns every error that leaves a route into one problem+json answer and one log line. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = asAppError(thrown);
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = problemOf(error, request.id);
    const { status, code, detail } = problem;
    const level = error instanceof AppError ? error.level : status >= 500 ? 'error' : 'info';
    // Where a refusal was thrown says nothing to who reads the log, and whoever likes can cause one.
    const what = status >= 500 ? { err: error } : { code };
    this.log[level]({ ...what, status, method: request.method, path: request.routeOptions?.url }, detail);
    if (reply.sent) return;
    void reply
      .status(status)
      .headers(error instanceof AppError ? { ...error.headers } : {})
      .header('content-type', PROBLEM_TYPE)
      .send(JSON.stringify(problem));
  }
}
