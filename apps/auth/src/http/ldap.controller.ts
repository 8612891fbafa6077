import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { Public, refuseOtherSites } from '@lineclear/access';
import { Answers, CONFIG } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Config } from '../config.js';
import { LdapLogin } from '../external/ldap-login.js';
import { answerLogin, arrivalOf, givenLogin, loggedIn } from './logged-in.js';
import { providerName } from './provider-fields.js';

const login = givenLogin.extend({
  /** Not needed where one directory is all there is. */
  provider: providerName.optional(),
});

/** Logins by a password that a directory knows. */
@Controller('api/cloud/external-auth/ldap')
export class LdapController {
  constructor(
    private readonly logins: LdapLogin,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('login')
  @Public()
  @Answers(
    200,
    loggedIn,
    'Opens a session, as a login by password does, if a directory says that the password is right',
  )
  async login(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: login }) body: z.infer<typeof login>,
  ): Promise<z.infer<typeof loggedIn>> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    const outcome = await this.logins.attempt(body.provider, {
      name: body.username,
      password: body.password,
      rememberMe: body.remember_me,
      ...arrivalOf(request),
    });
    return answerLogin(reply, this.config.PUBLIC_URL, outcome, 'the username or the password is wrong');
  }
}
