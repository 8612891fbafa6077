import { randomBytes } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { OnRequest } from '@lineclear/bus';
import { replyToken, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { BadInput, Clock, Database, sealTo } from '@lineclear/kit';
import { keepToken } from '../db/reply-tokens.repo.js';
import type { TokenKind } from '../domain/judge-asked.js';

const LIVES_MS = 24 * 3_600_000;
// Base32 (RFC 4648) in lower case: mail programs change the case of addresses.
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 32;

/** 160 random bits. */
const newToken = (): string => [...randomBytes(LENGTH)].map((byte) => ALPHABET[byte & 31]).join('');

/** Gives the mailer, and nobody else (deploy/nats), the token that is to go into the mail it sends right now. */
@Controller()
export class AnswerReplyToken {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @OnRequest(replyToken)
  async answer({ with_link, ...of }: RequestOf<typeof replyToken>): Promise<ReplyOf<typeof replyToken>> {
    const box = await this.#kept('reply', of);
    const link = with_link && (await this.#kept('link', of));
    return { ...(box && { box }), ...(link && { link_box: link }) };
  }

  async #kept(
    kind: TokenKind,
    { approval_id: requestId, user_id: userId, public_key, stage, round }: RequestOf<typeof replyToken>,
  ): Promise<string | undefined> {
    const token = newToken();
    const box = await sealed(public_key, token);
    const now = this.clock.now();
    const latest = new Date(now.getTime() + LIVES_MS);
    const kept = { sha256: hashToken(token), kind, requestId, userId, stage, round };
    return (await keepToken(this.database, kept, latest, now)) ? box : undefined;
  }
}

async function sealed(publicKey: string, token: string): Promise<string> {
  try {
    return await sealTo(publicKey, token);
  } catch (cause) {
    throw new BadInput([{ path: 'public_key', message: 'cannot be sealed to' }], { cause });
  }
}
