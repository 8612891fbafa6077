import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Permission, Principal } from '@lineclear/contracts';
import { ACCESS } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

export interface Access {
  readonly permission?: Permission;
  readonly public?: boolean;
  /** Open to anonymous callers where the configuration's `auth.bypass_paths` lists the path. */
  readonly bypassable?: boolean;
}

/** This route needs a login, and this permission if one is named. */
export const Allow = (permission?: Permission, options: { bypassable?: boolean } = {}): MethodDecorator =>
  SetMetadata(ACCESS, { ...(permission === undefined ? {} : { permission }), ...options } satisfies Access);

/** This route is open to anonymous callers: health, login, signed webhooks, and nothing else. */
export const Public = (): MethodDecorator => SetMetadata(ACCESS, { public: true } satisfies Access);

/** The caller, on routes with @Allow. */
export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('@Who() on a route without @Allow()');
  return principal;
});

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}
