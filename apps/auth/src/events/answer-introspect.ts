import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { internalPrincipal, introspect, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { FindByToken } from '../credentials/find-by-token.js';

/** Tells the other services who is calling them. */
@Controller()
export class AnswerIntrospect {
  constructor(private readonly tokens: FindByToken) {}

  @OnRequest(introspect)
  async answer({ kind, token_sha256 }: RequestOf<typeof introspect>): Promise<ReplyOf<typeof introspect>> {
    const { principal, csrfSha256 } = await this.tokens.find({ kind, sha256: token_sha256 });
    return { principal, ...(csrfSha256 === undefined ? {} : { csrf_sha256: csrfSha256 }) };
  }

  @OnRequest(internalPrincipal)
  async internal({
    address,
  }: RequestOf<typeof internalPrincipal>): Promise<ReplyOf<typeof internalPrincipal>> {
    return { principal: await this.tokens.internal(address) };
  }
}
