import { Body, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { Public, refuseOtherSites } from '@lineclear/access';
import { Answers, clientAddress, CONFIG } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { ResetPassword } from '../credentials/reset-password.js';
import { newPassword } from './fields.js';
import { PASSWORD_RESET_PAGE } from './password-reset-page.js';

const request = z.strictObject({
  /** A username or an email address. */
  username: z.string().trim().min(1).max(254),
});
const complete = z.strictObject({ token: z.string().min(1).max(100), new_password: newPassword });
const success = z.object({ success: z.literal(true) });
type Success = z.infer<typeof success>;

/** For who forgot their password: the asking, the page that the mailed link leads to, and what that page sends. */
@Controller('api/auth/password-reset')
export class PasswordResetController {
  constructor(
    private readonly resets: ResetPassword,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  @Public()
  @Answers(202, success, 'Mails a link to set a new password; whether there is such an account is not told')
  async request(
    @Req() http: FastifyRequest,
    @Body({ schema: request }) { username }: z.infer<typeof request>,
  ): Promise<Success> {
    refuseOtherSites(http, this.config.PUBLIC_URL);
    await this.resets.request(username, clientAddress(http));
    return { success: true };
  }

  @Get()
  @Public()
  @Answers(200, null, 'The page that a mailed link leads to, in HTML')
  page(@Res({ passthrough: true }) reply: FastifyReply): string {
    return PASSWORD_RESET_PAGE.answer(reply);
  }

  @Post('complete')
  @Public()
  @Answers(200, success, 'Sets a new password with the token of a mailed link, once, and ends all sessions')
  async complete(
    @Req() http: FastifyRequest,
    @Body({ schema: complete }) body: z.infer<typeof complete>,
  ): Promise<Success> {
    refuseOtherSites(http, this.config.PUBLIC_URL);
    await this.resets.complete({
      token: body.token,
      password: body.new_password,
      address: clientAddress(http),
    });
    return { success: true };
  }
}
