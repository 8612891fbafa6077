import { timingSafeEqual } from 'node:crypto';
import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ACCESS, NotAllowed, NotAuthenticated } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { mayComeFrom, requirePermission } from './can.js';
import type { Access } from './decorators.js';
import { Principals } from './principals.js';
import { hashToken, tokenOf } from './token.js';

export const BYPASS_PATHS = Symbol('BYPASS_PATHS');
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Stands before every route: who is it, may they, and (for cookies) did their own page send this. */
@Injectable()
export class AccessGuard implements CanActivate, OnApplicationBootstrap {
  constructor(
    private readonly principals: Principals,
    private readonly reflector: Reflector,
    private readonly discovery: DiscoveryService,
    @Inject(BYPASS_PATHS) private readonly bypassPaths: readonly string[],
  ) {}

  /** A route that says nothing about access is a mistake: the boot stops. */
  onApplicationBootstrap(): void {
    const scanner = new MetadataScanner();
    for (const { metatype } of this.discovery.getControllers()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const name of scanner.getAllMethodNames(prototype)) {
        const handler = prototype[name];
        if (handler && Reflect.hasMetadata('method', handler) && !Reflect.hasMetadata(ACCESS, handler)) {
          throw new Error(`${metatype.name}.${name} is a route without @Allow() or @Public()`);
        }
      }
    }
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const access = this.reflector.get<Access | undefined>(ACCESS, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (access?.public || (access?.bypassable && this.#bypassed(request))) return true;
    const token = tokenOf(request.headers);
    if (!token) throw new NotAuthenticated();
    const { principal, csrfSha256 } = await this.principals.of(token);
    if (!principal) throw new NotAuthenticated();
    // Which addresses would do is nobody's to know who comes from another.
    if (!mayComeFrom(principal, request))
      throw new NotAllowed('this API key may not be used from where the request comes from');
    if (token.kind === 'session' && !SAFE_METHODS.includes(request.method)) requireCsrf(request, csrfSha256);
    if (access?.permission) requirePermission(principal, access.permission);
    request.principal = principal;
    return true;
  }

  #bypassed(request: FastifyRequest): boolean {
    const path = request.url.split('?')[0] ?? '';
    return this.bypassPaths.some((open) => path === open || path.startsWith(`${open.replace(/\/$/, '')}/`));
  }
}

function requireCsrf(request: FastifyRequest, expectedSha256: string | undefined): void {
  const given = request.headers['x-csrf-token'];
  const matches =
    typeof given === 'string' &&
    expectedSha256 !== undefined &&
    timingSafeEqual(Buffer.from(hashToken(given)), Buffer.from(expectedSha256));
  if (!matches) throw new NotAllowed('a change by session cookie needs the X-CSRF-Token that the login gave');
}
