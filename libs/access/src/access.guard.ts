import { timingSafeEqual } from 'node:crypto';
import {
  Inject,
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { Principal } from '@lineclear/contracts';
import {
  ACCESS,
  CONFIG_FILE,
  currentRequest,
  NotAllowed,
  NotAuthenticated,
  type ConfigFile,
} from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actorOf } from './audited.js';
import { mayComeFrom, requireOwnCredential, requirePermission } from './can.js';
import { isSafe, type Access } from './decorators.js';
import { InternalCallers } from './internal-callers.js';
import { Principals } from './principals.js';
import { RateLimits } from './rate-limits.js';
import { Refusals } from './refusals.js';
import { hashToken, tokenOf, type Token } from './token.js';

/** Stands before every route: who is it, may they, do they ask too much, and (for cookies) did their own page send this. */
@Injectable()
export class AccessGuard implements CanActivate, OnApplicationBootstrap {
  constructor(
    private readonly principals: Principals,
    private readonly internalCallers: InternalCallers,
    private readonly limits: RateLimits,
    private readonly reflector: Reflector,
    private readonly discovery: DiscoveryService,
    private readonly refusals: Refusals,
    @Inject(CONFIG_FILE) private readonly file: ConfigFile,
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
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    try {
      return await this.#letIn(request, reply, access);
    } catch (error) {
      this.refusals.note(error, request);
      throw error;
    }
  }

  async #letIn(request: FastifyRequest, reply: FastifyReply, access: Access | undefined): Promise<true> {
    if (access?.public || (access?.bypassable && this.#bypassed(request))) {
      if (!access.uncounted) await this.limits.ofAddress(request, reply);
      return true;
    }
    const token = tokenOf(request.headers);
    const principal = token
      ? await this.#byToken(token, request, reply)
      : await this.#byNetwork(request, reply);
    if (access?.ownCredential) requireOwnCredential(principal);
    if (access?.permission) requirePermission(principal, access.permission);
    request.principal = principal;
    return true;
  }

  async #byToken(token: Token, request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    this.limits.beforeLookup(request, reply, token);
    const { principal, csrfSha256 } = await this.principals.of(token);
    if (!principal) {
      await this.limits.ofAddress(request, reply);
      throw new NotAuthenticated();
    }
    actsFor(principal);
    await this.limits.ofPrincipal(reply, principal, token);
    // Which addresses would do is nobody's to know who comes from another.
    if (!mayComeFrom(principal, request))
      throw new NotAllowed('this API key may not be used from where the request comes from');
    if (token.kind === 'session' && !isSafe(request.method)) requireCsrf(request, csrfSha256);
    return principal;
  }

  /** All of a network are one account: they are counted apart, by their addresses. */
  async #byNetwork(request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    await this.limits.ofAddress(request, reply);
    const principal = await this.internalCallers.of(request);
    if (!principal) throw new NotAuthenticated();
    actsFor(principal);
    return principal;
  }

  #bypassed(request: FastifyRequest): boolean {
    const path = request.url.split('?')[0] ?? '';
    return this.file.auth.bypass_paths.some(
      (open) => path === open || path.startsWith(`${open.replace(/\/$/, '')}/`),
    );
  }
}

/** From here on what is recorded is recorded as theirs, refusals too. */
function actsFor(who: Principal): void {
  const work = currentRequest();
  if (work) work.actor = actorOf(who);
}

function requireCsrf(request: FastifyRequest, expectedSha256: string | undefined): void {
  const given = request.headers['x-csrf-token'];
  const matches =
    typeof given === 'string' &&
    expectedSha256 !== undefined &&
    timingSafeEqual(Buffer.from(hashToken(given)), Buffer.from(expectedSha256));
  if (!matches) throw new NotAllowed('a change by session cookie needs the X-CSRF-Token that the login gave');
}
