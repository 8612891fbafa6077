import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { hashToken, Public } from '@lineclear/access';
import { Answers, BadInput, CONFIG, TakesForm } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { returnPath } from '../domain/return-path.js';
import { LOGIN_SECONDS, OidcLogin } from '../external/oidc-login.js';
import { ProviderLogout } from '../external/provider-logout.js';
import { LOGINS, type Logins } from '../external/providers.js';
import { answerLogin, arrivalOf, loggedIn } from './logged-in.js';
import { ownOrigin } from './own-origin.js';
import { providerName } from './provider-fields.js';
import { cookieOf, notToBeStored, setCookie } from './session-cookie.js';

const PATH = '/api/cloud/external-auth/oidc';
const startQuery = z.strictObject({
  provider: providerName,
  /** Where the browser goes after the login: a path of this house, or an address of a listed origin. */
  return_to: z.string().max(2_000).optional(),
});
// Providers add what they like.
const callbackQuery = z.looseObject({
  state: z.string().min(1).max(500),
  code: z.string().max(4_000).optional(),
  error: z.string().max(500).optional(),
});
const logout = z.strictObject({ logout_token: z.string().min(1).max(20_000) });
const started = z.object({ auth_url: z.url(), state: z.string() });
const success = z.object({ success: z.literal(true) });

/** Logins by OpenID Connect, and the logouts that a provider tells of. */
@Controller('api/cloud/external-auth/oidc')
export class OidcController {
  constructor(
    private readonly logins: OidcLogin,
    private readonly logouts: ProviderLogout,
    @Inject(LOGINS) private readonly rules: Logins,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('start')
  @Public()
  @Answers(
    200,
    started,
    'Sends the browser to a provider to log in; to who accepts JSON it tells where that is',
  )
  async start(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query({ schema: startQuery }) query: z.infer<typeof startQuery>,
  ): Promise<void> {
    const origin = ownOrigin(request, this.config.PUBLIC_URL);
    const returnTo =
      query.return_to === undefined
        ? undefined
        : returnPath(query.return_to, origin, this.rules.allowedOrigins);
    if (query.return_to !== undefined && returnTo === undefined)
      throw BadInput.at('return_to', 'is neither a path of this house nor of an allowed origin');
    const redirectUri = `${origin}${PATH}/callback`;
    const { authUrl, state, browserToken } = await this.logins.begin(query.provider, {
      redirectUri,
      returnTo,
    });
    // A cookie for each login: a browser may have begun several.
    setCookie(reply, this.config.PUBLIC_URL, {
      name: cookieNameOf(state),
      value: browserToken,
      path: PATH,
      maxAgeSeconds: LOGIN_SECONDS,
    });
    notToBeStored(reply);
    if (request.headers.accept?.includes('application/json')) {
      const body: z.infer<typeof started> = { auth_url: authUrl, state };
      await reply.status(200).send(body);
    } else {
      await reply.redirect(authUrl, 302);
    }
  }

  @Get('callback')
  @Public()
  @Answers(
    200,
    loggedIn,
    'Where a provider sends the browser back: opens a session, as a login by password does',
  )
  async callback(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query({ schema: callbackQuery }) query: z.infer<typeof callbackQuery>,
  ): Promise<void> {
    if (query.code === undefined && query.error === undefined)
      throw BadInput.at('code', 'is needed, or `error`');
    const name = cookieNameOf(query.state);
    const outcome = await this.logins.finish(query.state, {
      query: new URL(request.url, this.config.PUBLIC_URL).search,
      browserToken: cookieOf(request, name),
      arrival: arrivalOf(request),
    });
    const body = answerLogin(reply, this.config.PUBLIC_URL, outcome);
    setCookie(reply, this.config.PUBLIC_URL, { name, value: '', path: PATH, maxAgeSeconds: 0 });
    if (outcome.returnTo === undefined) await reply.status(200).send(body);
    else await reply.redirect(outcome.returnTo, 302);
  }

  @Post('backchannel-logout/:name')
  @Public()
  @TakesForm('logout_token')
  @Answers(200, success, 'Ends the sessions of whom a provider logs out; its signed token says who it is')
  async logOut(
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('name', { schema: providerName }) name: string,
    @Body({ schema: logout }) body: z.infer<typeof logout>,
  ): Promise<z.infer<typeof success>> {
    await this.logouts.logOut(name, body.logout_token);
    notToBeStored(reply);
    return { success: true };
  }
}

const cookieNameOf = (state: string): string => `lineclear_oidc_${hashToken(state).slice(0, 16)}`;
