import { Body, Controller, Delete, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { Allow, ChangesNothing, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, CONFIG } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { ManageFactors } from '../credentials/manage-factors.js';
import { askerOf, attestation, freshProof, passkeyOptions, proofOf } from './factor-fields.js';
import { keyName, rowId } from './fields.js';
import { relyingParty } from './own-origin.js';
import { passkeySchema, passkeyView } from './passkey-view.js';
import { notToBeStored } from './session-cookie.js';

const add = z.strictObject({ name: keyName, response: attestation });
const added = z.object({ passkey: passkeySchema, recovery_codes: z.array(z.string()).optional() });
const rename = z.strictObject({ name: keyName });
const success = z.object({ success: z.literal(true) });

/** The caller’s passkeys: a second factor, and a login of their own. */
@Controller('api/auth/factors/passkeys')
export class PasskeysController {
  constructor(
    private readonly manage: ManageFactors,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('options')
  @ChangesNothing()
  @Allow()
  @Answers(200, passkeyOptions, 'Asks the browser for a new passkey')
  async options(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: freshProof }) body: z.infer<typeof freshProof>,
  ): Promise<object> {
    const party = (): ReturnType<typeof relyingParty> => relyingParty(request, this.config.PUBLIC_URL);
    const options = await this.manage.passkeyOptions(askerOf(caller, request), proofOf(body, party), party());
    notToBeStored(reply);
    return options;
  }

  @Post()
  @Allow()
  @Answers(201, added, 'Adds the passkey that the browser made; with a first factor come recovery codes')
  async add(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: add }) body: z.infer<typeof add>,
  ): Promise<z.infer<typeof added>> {
    const party = relyingParty(request, this.config.PUBLIC_URL);
    const { row, recoveryCodes } = await this.manage.addPasskey(askerOf(caller, request), {
      name: body.name,
      attestation: body.response,
      party,
    });
    notToBeStored(reply);
    return { passkey: passkeyView(row), ...(recoveryCodes ? { recovery_codes: [...recoveryCodes] } : {}) };
  }

  @Patch(':id')
  @Allow()
  @Answers(200, passkeySchema, 'Renames a passkey')
  async rename(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: rename }) body: z.infer<typeof rename>,
  ): Promise<z.infer<typeof passkeySchema>> {
    return passkeyView(await this.manage.renamePasskey(askerOf(caller, request), id, body.name));
  }

  @Delete(':id')
  @Allow()
  @Answers(200, success, 'Removes a passkey')
  async remove(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: freshProof }) body: z.infer<typeof freshProof>,
  ): Promise<z.infer<typeof success>> {
    const proof = proofOf(body, () => relyingParty(request, this.config.PUBLIC_URL));
    await this.manage.removePasskey(askerOf(caller, request), id, proof);
    return { success: true };
  }
}
