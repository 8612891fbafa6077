import { randomBytes } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { OnRequest } from '@lineclear/bus';
import { replyToken, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { BadInput, Clock, Database, sealTo } from '@lineclear/kit';
import { keepToken } from '../db/reply-tokens.repo.js';

const LIVES_MS = 24 * 3_600_000;
// Base32 (RFC 4648) in lower case: mail programs change the case of addresses.
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 32;

/** 160 random bits. */
const newReplyToken = (): string => [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte & 31]).join('');

/** Gives the mailer, and nobody else (deploy/nats), the token that is to go into the mail it sends right now. */
@Controller()
export class AnswerReplyToken {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @OnRequest(replyToken)
  async answer({
    approval_id: requestId,
    user_id: userId,
    public_key,
  }: RequestOf<typeof replyToken>): Promise<ReplyOf<typeof replyToken>> {
    const token = newReplyToken();
    const box = await sealed(public_key, token);
    const now = this.clock.now();
    const latest = new Date(now.getTime() + LIVES_MS);
    const isKept = await keepToken(
      this.database,
      { sha256: hashToken(token), requestId, userId },
      latest,
      now,
    );
    return isKept ? { box } : {};
  }
}

async function sealed(publicKey: string, token: string): Promise<string> {
  try {
    return await sealTo(publicKey, token);
  } catch (cause) {
    throw new BadInput([{ path: 'public_key', message: 'cannot be sealed to' }], { cause });
  }
}
