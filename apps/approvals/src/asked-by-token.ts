import { Injectable } from '@nestjs/common';
import type { Tx } from '@lineclear/kit';
import { Approvers, rightsOf } from './approvers.js';
import { lockToken, ownerOfToken } from './db/reply-tokens.repo.js';
import { lockRequest } from './db/requests.repo.js';
import { votesOf } from './db/votes.repo.js';
import type { Asked, TokenKind } from './domain/judge-asked.js';
import { votedIn } from './domain/votes.js';
import { mayDecide } from './http/deciders.js';

/** Who was asked what, by what their mail carries. */
@Injectable()
export class AskedByToken {
  constructor(private readonly approvers: Approvers) {}

  /** What the token names, held until the transaction ends, and its person as auth knows them now. @throws Unavailable while auth does not answer */
  async find(tx: Tx, sha256: string, kind: TokenKind): Promise<Asked | undefined> {
    const owner = await ownerOfToken(tx, sha256, kind);
    if (!owner) return undefined;
    // Asked before anything is held: others would wait for the answer too.
    const known = await this.approvers.known(owner.userId);
    const decider = known && (await this.approvers.deciderOf(rightsOf(known)));
    const [token, request, votes] = await Promise.all([
      lockToken(tx, sha256),
      lockRequest(tx, owner.requestId),
      votesOf(tx, [owner.requestId]),
    ]);
    if (!token || !request) return undefined;
    return {
      token,
      request,
      voted: votedIn(request, votes),
      who: decider && { ...decider, email: known.email, mayDecide: mayDecide(known, request) },
    };
  }
}
