import { Body, Controller, Post, Req } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, clientAddress } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ChangeOwnPassword } from '../credentials/change-own-password.js';
import { givenPassword, newPassword } from './fields.js';

const change = z.strictObject({ current_password: givenPassword, new_password: newPassword });
const success = z.object({ success: z.literal(true) });

@Controller('api/auth/change-password')
export class ChangePasswordController {
  constructor(private readonly passwords: ChangeOwnPassword) {}

  @Post()
  @Allow(undefined, { ownCredential: true })
  @Answers(200, success, 'Changes the caller’s own password and ends all their other sessions')
  async change(
    @Who() caller: Principal,
    @Req() request: FastifyRequest,
    @Body({ schema: change }) body: z.infer<typeof change>,
  ): Promise<z.infer<typeof success>> {
    await this.passwords.change(caller, {
      current: body.current_password,
      next: body.new_password,
      address: clientAddress(request),
    });
    return { success: true };
  }
}
