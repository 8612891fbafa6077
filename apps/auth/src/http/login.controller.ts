import { Body, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import {
  Allow,
  audited,
  mayComeFrom,
  nothingChanged,
  Public,
  refuseOtherSites,
  sessionTokenOf,
  tokenOf,
  Who,
} from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { levelName, principalChanged, type Principal } from '@lineclear/contracts';
import { Answers, CONFIG, Database, NotAuthenticated } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { FindByToken } from '../credentials/find-by-token.js';
import { LogIn } from '../credentials/log-in.js';
import { csrfTokenOf } from '../credentials/tokens.js';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { FACTOR_KINDS } from '../domain/second-factor.js';
import { totpCode } from './factor-fields.js';
import { answerLogin, arrivalOf, givenLogin, loggedIn } from './logged-in.js';
import { clearSessionCookie, notToBeStored } from './session-cookie.js';
import { userSchema, userView } from './user-view.js';

const login = givenLogin.extend({
  /** The authenticator app's code, so that one request is enough. */
  totp_code: totpCode.optional(),
});
const secondFactorNeeded = z.object({
  second_factor: z.object({
    ticket: z.string(),
    kinds: z.array(z.enum(FACTOR_KINDS)),
    expires_at: z.iso.datetime(),
  }),
});
const success = z.object({ success: z.literal(true) });
const via = { via: z.enum(['session', 'api_key', 'internal']), expires_at: z.iso.datetime().optional() };
const me = userSchema.extend({ ...via, csrf_token: z.string().optional() });
const checked = z.discriminatedUnion('authenticated', [
  z.object({ authenticated: z.literal(false) }),
  z.object({
    authenticated: z.literal(true),
    user_id: z.int(),
    username: z.string(),
    level: levelName,
    is_admin: z.boolean(),
    ...via,
  }),
]);

/** In, out, and who am I. */
@Controller('api/auth')
export class LoginController {
  constructor(
    private readonly logIn: LogIn,
    private readonly tokens: FindByToken,
    private readonly database: Database,
    private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('login')
  @Public()
  @Answers(
    200,
    z.union([loggedIn, secondFactorNeeded]),
    'Opens a session: a cookie, and a token for changes made with it; or says that a second factor is needed',
  )
  async login(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: login }) body: z.infer<typeof login>,
  ): Promise<z.infer<typeof loggedIn> | z.infer<typeof secondFactorNeeded>> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    const outcome = await this.logIn.attempt({
      name: body.username,
      password: body.password,
      totpCode: body.totp_code,
      rememberMe: body.remember_me,
      ...arrivalOf(request),
    });
    if (outcome.state !== 'second_factor')
      return answerLogin(reply, this.config.PUBLIC_URL, outcome, 'the username or the password is wrong');
    nothingChanged();
    notToBeStored(reply);
    const { ticket, kinds, expiresAt } = outcome;
    return { second_factor: { ticket, kinds: [...kinds], expires_at: expiresAt.toISOString() } };
  }

  @Post('logout')
  @Allow(undefined, { ownCredential: true })
  @Answers(200, success, 'Ends this session; an API key is not ended by it')
  async logout(
    @Who() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof success>> {
    if (caller.via === 'session') {
      await this.database.tx(async (tx) => {
        await sessions.end(tx, caller.credential_id);
        await this.bus.publish(
          tx,
          event(principalChanged, { user_id: caller.user_id }, { about: `user/${caller.user_id}` }),
          audited('auth.logged_out', { target: `user/${caller.user_id}` }),
        );
      });
    } else nothingChanged();
    clearSessionCookie(reply, this.config.PUBLIC_URL);
    return { success: true };
  }

  @Get('me')
  @Allow()
  @Answers(200, me, 'Tells who is calling and what this credential may do')
  async me(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof me>> {
    const user = await users.byId(this.database, caller.user_id);
    if (!user) throw new NotAuthenticated();
    notToBeStored(reply);
    const sessionToken = caller.via === 'session' ? sessionTokenOf(request.headers) : undefined;
    return {
      ...userView(user),
      permissions: caller.permissions,
      via: caller.via,
      ...(caller.expires_at === undefined ? {} : { expires_at: caller.expires_at }),
      ...(sessionToken === undefined ? {} : { csrf_token: csrfTokenOf(sessionToken) }),
    };
  }

  @Get('check')
  @Public()
  @Answers(200, checked, 'Tells whether the credential sent with it is good, without refusing when it is not')
  async check(@Req() request: FastifyRequest): Promise<z.infer<typeof checked>> {
    const token = tokenOf(request.headers);
    const principal = token && (await this.tokens.find(token)).principal;
    if (!principal || !mayComeFrom(principal, request)) return { authenticated: false };
    const { user_id, username, level, expires_at } = principal;
    return {
      authenticated: true,
      user_id,
      username,
      level,
      is_admin: level === 'admin',
      via: principal.via,
      ...(expires_at === undefined ? {} : { expires_at }),
    };
  }
}
