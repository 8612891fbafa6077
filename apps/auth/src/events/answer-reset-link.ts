import { Controller, Inject } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { resetLink, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { BadInput, CONFIG, sealTo } from '@lineclear/kit';
import type { Config } from '../config.js';
import { ResetPassword } from '../credentials/reset-password.js';

/** Gives the mailer, and nobody else (deploy/nats), the link that is to go into the mail it sends right now. */
@Controller()
export class AnswerResetLink {
  constructor(
    private readonly resets: ResetPassword,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnRequest(resetLink)
  async answer({ reset_id, public_key }: RequestOf<typeof resetLink>): Promise<ReplyOf<typeof resetLink>> {
    await requireSealable(public_key);
    const token = await this.resets.renewToken(reset_id);
    if (!token) return {};
    const page = `${this.config.PUBLIC_URL.replace(/\/$/, '')}/api/auth/password-reset`;
    // Behind the #, browsers keep it to themselves: no server is asked for it, so none has it in a log.
    return { box: await sealTo(public_key, `${page}#${token.reveal()}`) };
  }
}

/** Before the link in somebody's mailbox is voided for one that nobody could read. */
async function requireSealable(publicKey: string): Promise<void> {
  try {
    await sealTo(publicKey, '');
  } catch (cause) {
    throw new BadInput([{ path: 'public_key', message: 'cannot be sealed to' }], { cause });
  }
}
