import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { EngineReply } from './engine.js';
import type { VaultFault } from './types.js';

/** What is said to a call: what an engine says, with what stands beside its data. */
export type Answer = EngineReply & { readonly more?: object };

export function send(response: ServerResponse, reply: Answer): void {
  if (reply.status === 204) return void response.writeHead(204).end();
  const body =
    'errors' in reply
      ? { errors: reply.errors }
      : {
          request_id: randomUUID(),
          lease_id: '',
          renewable: false,
          lease_duration: 0,
          data: reply.data ?? null,
          wrap_info: null,
          warnings: reply.warnings ?? null,
          auth: null,
          ...reply.more,
        };
  response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function failWith(response: ServerResponse, fault: Extract<VaultFault, { status: number }>): void {
  const { status, retryAfterSeconds, text = '{"errors":["told to fail"]}', location } = fault;
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(location === undefined ? {} : { location }),
    })
    .end(text);
}
