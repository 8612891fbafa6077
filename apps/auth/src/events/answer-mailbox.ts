import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { mailboxOf, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import { accountById } from '../db/users.repo.js';

/** Tells the mailer, and nobody else (deploy/nats), where to tell somebody something. */
@Controller()
export class AnswerMailbox {
  constructor(private readonly database: Database) {}

  @OnRequest(mailboxOf)
  async answer({ user_id }: RequestOf<typeof mailboxOf>): Promise<ReplyOf<typeof mailboxOf>> {
    const account = await accountById(this.database, user_id);
    if (!account?.is_active || account.kind !== 'person' || account.email === null) return {};
    return { mailbox: { username: account.username, email: account.email } };
  }
}
