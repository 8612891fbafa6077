import type { ServerResponse } from 'node:http';

/** An RFC 9457 problem document, in the form all services use. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
}

const KINDS = {
  bad_request: [400, 'The request is not valid'],
  not_allowed: [403, 'Not allowed'],
  not_found: [404, 'Not found'],
  timed_out: [408, 'The request came in too slowly'],
  header_too_large: [431, 'The request headers are too large'],
  internal: [500, 'An error on our side'],
  broken_off: [502, 'The service broke off'],
  unavailable: [503, 'Not available right now'],
  no_answer: [504, 'The service did not answer in time'],
} as const;
export type ProblemCode = keyof typeof KINDS;

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

export function problem(code: ProblemCode, detail: string, requestId: string): Problem {
  const [status, title] = KINDS[code];
  return { type: `urn:lineclear:problem:${code}`, title, status, detail, code, request_id: requestId };
}

/** Answers a request that never reached Fastify. */
export function sendProblem(
  res: ServerResponse,
  body: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const json = JSON.stringify(body);
  res.writeHead(body.status, {
    'content-type': PROBLEM_JSON,
    'content-length': Buffer.byteLength(json),
    'x-request-id': body.request_id,
    ...headers,
  });
  res.end(res.req.method === 'HEAD' ? undefined : json);
}
