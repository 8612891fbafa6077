import { Body, Controller, Delete, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, CONFIG, Database } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { ManageFactors, type FreshProof } from '../credentials/manage-factors.js';
import * as passkeys from '../db/passkeys.repo.js';
import * as factors from '../db/second-factors.repo.js';
import { askerOf, freshProof, proofOf, totpCode } from './factor-fields.js';
import { relyingParty } from './own-origin.js';
import { passkeySchema, passkeyView } from './passkey-view.js';
import { notToBeStored } from './session-cookie.js';

const mine = z.object({
  /** null without an authenticator app. */
  totp: z.object({ confirmed_at: z.iso.datetime() }).nullable(),
  passkeys: z.array(passkeySchema),
  recovery_codes_left: z.int(),
});
const begun = z.object({ secret: z.string(), otpauth_uri: z.string(), expires_at: z.iso.datetime() });
const confirm = z.strictObject({ code: totpCode });
const confirmed = z.object({ success: z.literal(true), recovery_codes: z.array(z.string()).optional() });
const codes = z.object({ recovery_codes: z.array(z.string()) });
const success = z.object({ success: z.literal(true) });

/** What a person shows beside their password. Who changes it shows anew who they are, in a session. */
@Controller('api/auth/factors')
export class FactorsController {
  constructor(
    private readonly manage: ManageFactors,
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @Allow()
  @Answers(200, mine, 'Shows the caller’s second factors')
  async list(@Who() caller: Principal): Promise<z.infer<typeof mine>> {
    const [totp, keys, { recoveryCodes }] = await Promise.all([
      factors.totpOf(this.database, caller.user_id, this.clock.now()),
      passkeys.allOf(this.database, caller.user_id),
      factors.of(this.database, caller.user_id),
    ]);
    return {
      totp: totp?.confirmed_at ? { confirmed_at: totp.confirmed_at.toISOString() } : null,
      passkeys: keys.map(passkeyView),
      recovery_codes_left: recoveryCodes,
    };
  }

  @Post('totp')
  @Allow()
  @Answers(200, begun, 'Begins with an authenticator app; a code of it confirms it')
  async beginTotp(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: freshProof }) body: z.infer<typeof freshProof>,
  ): Promise<z.infer<typeof begun>> {
    const made = await this.manage.beginTotp(askerOf(caller, request), this.#proof(request, body));
    notToBeStored(reply);
    return { secret: made.secret, otpauth_uri: made.uri, expires_at: made.expiresAt.toISOString() };
  }

  @Post('totp/confirm')
  @Allow()
  @Answers(200, confirmed, 'Makes the app count; with a first factor come recovery codes, shown once')
  async confirmTotp(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: confirm }) body: z.infer<typeof confirm>,
  ): Promise<z.infer<typeof confirmed>> {
    const made = await this.manage.confirmTotp(askerOf(caller, request), body.code);
    notToBeStored(reply);
    return { success: true, ...(made ? { recovery_codes: [...made] } : {}) };
  }

  @Delete('totp')
  @Allow()
  @Answers(200, success, 'Removes the authenticator app')
  async removeTotp(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Body({ schema: freshProof }) body: z.infer<typeof freshProof>,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeTotp(askerOf(caller, request), this.#proof(request, body));
    return { success: true };
  }

  @Post('recovery-codes')
  @Allow()
  @Answers(200, codes, 'Makes new recovery codes, shown once; the old ones are void')
  async renewRecoveryCodes(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: freshProof }) body: z.infer<typeof freshProof>,
  ): Promise<z.infer<typeof codes>> {
    const made = await this.manage.renewRecoveryCodes(askerOf(caller, request), this.#proof(request, body));
    notToBeStored(reply);
    return { recovery_codes: [...made] };
  }

  #proof(request: FastifyRequest, body: z.infer<typeof freshProof>): FreshProof {
    return proofOf(body, () => relyingParty(request, this.config.PUBLIC_URL));
  }
}
