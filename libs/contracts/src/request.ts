import type { z } from 'zod';

/** Declares a question one service may ask another over core NATS: `<service>.<verb>`, with the schemas of both directions. */
export function defineRequest<const Name extends string, Request extends z.ZodType, Reply extends z.ZodType>(
  name: Name,
  request: Request,
  reply: Reply,
) {
  return { name, subject: `ask.${name}` as const, request, reply };
}

export type RequestDef = ReturnType<typeof defineRequest<string, z.ZodType, z.ZodType>>;
export type RequestOf<D extends RequestDef> = z.infer<D['request']>;
export type ReplyOf<D extends RequestDef> = z.infer<D['reply']>;
