import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { ChangesNothing, Public, refuseOtherSites } from '@lineclear/access';
import { Answers, BadInput, CONFIG } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { PasskeyLogin } from '../credentials/passkey-login.js';
import { Passkeys } from '../credentials/passkeys.js';
import { SecondStep } from '../credentials/second-step.js';
import { assertion, factorFields, factorOf, passkeyOptions, shownOf } from './factor-fields.js';
import { answerLogin, arrivalOf, loggedIn } from './logged-in.js';
import { relyingParty } from './own-origin.js';
import { notToBeStored } from './session-cookie.js';

const ticket = z.string().min(1).max(100);
const begun = z.strictObject({ ticket });
const secondFactor = z.strictObject({ ticket, ...factorFields }).refine((body) => shownOf(body) === 1, {
  path: ['code'],
  message: 'is needed, or one of `recovery_code` and `passkey`',
});
const nothing = z.strictObject({});
const byPasskey = z.strictObject({ response: assertion, remember_me: z.boolean().default(false) });

/** The second half of a login, and logins without a password. */
@Controller('api/auth/login')
export class SecondFactorLoginController {
  constructor(
    private readonly secondStep: SecondStep,
    private readonly passkeys: Passkeys,
    private readonly passkeyLogin: PasskeyLogin,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('second-factor/options')
  @ChangesNothing()
  @Public()
  @Answers(200, passkeyOptions, 'Asks the passkeys of the person whose ticket it is, as a second factor')
  async secondFactorOptions(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: begun }) body: z.infer<typeof begun>,
  ): Promise<object> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    notToBeStored(reply);
    return this.secondStep.passkeyOptions(body.ticket, relyingParty(request, this.config.PUBLIC_URL));
  }

  @Post('second-factor')
  @Public()
  @Answers(200, loggedIn, 'Opens a session for a ticket and a second factor')
  async secondFactor(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: secondFactor }) body: z.infer<typeof secondFactor>,
  ): Promise<z.infer<typeof loggedIn>> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    const proof = factorOf(body, () => relyingParty(request, this.config.PUBLIC_URL));
    if (!proof) throw BadInput.at('code', 'is needed');
    const outcome = await this.secondStep.finish(body.ticket, proof, arrivalOf(request));
    return answerLogin(reply, this.config.PUBLIC_URL, outcome);
  }

  @Post('passkey/options')
  @ChangesNothing()
  @Public()
  @Answers(200, passkeyOptions, 'Asks for any passkey of this house; the browser knows whose it has')
  async passkeyOptions(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    // Its schema says that nothing is to be sent.
    // oxlint-disable-next-line no-unused-vars
    @Body({ schema: nothing }) _: z.infer<typeof nothing>,
  ): Promise<object> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    notToBeStored(reply);
    const party = relyingParty(request, this.config.PUBLIC_URL);
    return this.passkeys.requestOptions(party, { userVerification: 'required' });
  }

  @Post('passkey')
  @Public()
  @Answers(200, loggedIn, 'Opens a session for a passkey, without a name or a password')
  async passkey(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: byPasskey }) body: z.infer<typeof byPasskey>,
  ): Promise<z.infer<typeof loggedIn>> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    const outcome = await this.passkeyLogin.attempt(
      body.response,
      relyingParty(request, this.config.PUBLIC_URL),
      { ...arrivalOf(request), rememberMe: body.remember_me },
    );
    return answerLogin(reply, this.config.PUBLIC_URL, outcome, 'this passkey is not accepted');
  }
}
