import { applyDecorators, HttpCode, RequestMethod, SetMetadata } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { z } from 'zod';

const ANSWER = 'lineclear:answer';
const SUMMARY = 'lineclear:summary';
/** Set by the access guard's decorators; here it only documents. */
export const ACCESS = 'lineclear:access';

/** Documents a route: its status, the schema of its answer, and one sentence on what it does. The status also takes effect. */
export const Answers = (status: number, schema: z.ZodType | null, summary: string): MethodDecorator =>
  applyDecorators(HttpCode(status), SetMetadata(ANSWER, { status, schema }), SetMetadata(SUMMARY, summary));

type Json = Record<string, unknown>;
interface RouteArgument {
  readonly index: number;
  readonly data?: string;
  readonly schema?: z.ZodType;
}

// Nest's RouteParamtypes.
const BODY = 3;
const QUERY = 4;
const PARAM = 5;

const toJson = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
};

const PROBLEM = {
  description: 'A problem document (RFC 9457)',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string' },
          request_id: { type: 'string' },
          errors: {
            type: 'array',
            items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
          },
        },
      },
    },
  },
};

/** The OpenAPI 3.1 document of this service, from the same zod schemas that check its input. */
export function openApiOf(service: string, discovery: DiscoveryService): Json {
  const paths: Record<string, Json> = {};
  const scanner = new MetadataScanner();
  for (const { metatype } of discovery.getControllers()) {
    if (typeof metatype !== 'function') continue;
    const prototype = metatype.prototype as Record<string, object>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const handler = prototype[name];
      const method: unknown = handler && Reflect.getMetadata('method', handler);
      if (handler === undefined || typeof method !== 'number') continue;
      // Routes that every service has, each for its own, carry its name.
      const template = fullPath(metatype, handler).replace(':service', service);
      // Elsewhere are pages, which say what they answer, and the process's own health and metrics, which do not.
      if (!template.startsWith('/api') && !Reflect.hasMetadata(ANSWER, handler)) continue;
      const verb = (RequestMethod[method] ?? 'GET').toLowerCase();
      (paths[template.replace(/:([A-Za-z_]+)/g, '{$1}')] ??= {})[verb] = operation(
        service,
        metatype,
        name,
        handler,
      );
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: `Lineclear ${service}`, version: '0.1.0' },
    paths,
    components: { securitySchemes: SECURITY },
  };
}

const SECURITY = {
  bearer: { type: 'http', scheme: 'bearer' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  session: { type: 'apiKey', in: 'cookie', name: 'lineclear_session' },
};

function fullPath(controller: object, handler: object): string {
  const parts = [Reflect.getMetadata('path', controller), Reflect.getMetadata('path', handler)].map((part) =>
    String(Array.isArray(part) ? part[0] : part),
  );
  return `/${parts.join('/')}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}

function operation(service: string, controller: object, name: string, handler: object): Json {
  const answer = Reflect.getMetadata(ANSWER, handler) as
    { status: number; schema: z.ZodType | null } | undefined;
  const access = Reflect.getMetadata(ACCESS, handler) as
    { permission?: string; public?: boolean } | undefined;
  const args = (Reflect.getMetadata('__routeArguments__', controller, name) ?? {}) as Record<
    string,
    RouteArgument
  >;
  const parameters: Json[] = [];
  let requestBody: Json | undefined;
  const inOrder = Object.entries(args).sort(([, a], [, b]) => a.index - b.index);
  for (const [key, argument] of inOrder) {
    if (!argument.schema) continue;
    const kind = Number(key.split(':')[0]);
    const json = toJson(argument.schema, 'input');
    if (kind === BODY) requestBody = { required: true, content: { 'application/json': { schema: json } } };
    if (kind === PARAM || kind === QUERY)
      parameters.push(...parametersOf(kind === PARAM ? 'path' : 'query', argument, json));
  }
  return {
    operationId: `${service}.${name}`,
    tags: [service],
    summary: Reflect.getMetadata(SUMMARY, handler) as unknown,
    ...(access?.public === true
      ? { security: [] }
      : { security: [{ bearer: [] }, { apiKey: [] }, { session: [] }] }),
    ...(access?.permission === undefined ? {} : { 'x-permission': access.permission }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: {
      [answer?.status ?? 200]: {
        description: 'Done',
        ...(answer?.schema
          ? { content: { 'application/json': { schema: toJson(answer.schema, 'output') } } }
          : {}),
      },
      '4XX': PROBLEM,
      '5XX': PROBLEM,
    },
  };
}

function parametersOf(place: 'path' | 'query', argument: RouteArgument, json: Json): Json[] {
  if (argument.data !== undefined)
    return [{ name: argument.data, in: place, required: place === 'path', schema: json }];
  const required = (json['required'] ?? []) as string[];
  return Object.entries((json['properties'] ?? {}) as Record<string, Json>).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }));
}
