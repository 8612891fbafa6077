import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Permission, Principal } from '@lineclear/contracts';
import { ACCESS } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

export interface Access {
  readonly permission?: Permission;
  readonly public?: boolean;
  /** What operators ask of a process itself; no limit of requests is for that. */
  readonly uncounted?: boolean;
  /** Open to anonymous callers where the configuration's `auth.bypass_paths` lists the path. */
  readonly bypassable?: boolean;
  /** Only for who came with a credential, and not for who is let in for the network they come from. */
  readonly ownCredential?: boolean;
}

/** This route needs a login, and this permission if one is named. */
export const Allow = (
  permission?: Permission,
  options: Pick<Access, 'bypassable' | 'ownCredential'> = {},
): MethodDecorator =>
  SetMetadata(ACCESS, { ...(permission === undefined ? {} : { permission }), ...options } satisfies Access);

/** This route is open to anonymous callers: health, login, signed webhooks, and nothing else. */
export const Public = (): MethodDecorator => SetMetadata(ACCESS, { public: true } satisfies Access);

export const CHANGES_NOTHING = 'lineclear:changes-nothing';

/** This route is not a GET and changes nothing all the same: it explains, tests or looks. The audit log need not know. */
export const ChangesNothing = (): MethodDecorator => SetMetadata(CHANGES_NOTHING, true);

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];
export const isSafe = (method: string): boolean => SAFE_METHODS.includes(method);

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
