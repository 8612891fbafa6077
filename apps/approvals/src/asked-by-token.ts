import { Injectable } from '@nestjs/common';
import type { Tx } from '@lineclear/kit';
import { Approvers, rightsOf } from './approvers.js';
import { lockToken, ownerOfToken } from './db/reply-tokens.repo.js';
import { lockRequest } from './db/requests.repo.js';
import { votesOf } from './db/votes.repo.js';
import type { Decider } from './domain/decide.js';
import type { Asked, TokenKind } from './domain/judge-asked.js';
import { votedIn } from './domain/votes.js';
import { mayDecide } from './http/deciders.js';

type Known = NonNullable<Awaited<ReturnType<Approvers['known']>>>;
type Asking = Promise<{ readonly known: Known; readonly decider: Decider } | null>;

/** Who was asked what, by what their mail carries. */
@Injectable()
export class AskedByToken {
  /** Answers that arrive together are handled in one transaction, and most of them are of few people. */
  readonly #asking = new WeakMap<Tx, Map<number, Asking>>();

  constructor(private readonly approvers: Approvers) {}

  /** What the token names, held until the transaction ends, and its person as auth knows them now. @throws Unavailable while auth does not answer */
  async find(tx: Tx, sha256: string, kind: TokenKind): Promise<Asked | undefined> {
    const owner = await ownerOfToken(tx, sha256, kind);
    if (!owner) return undefined;
    // Asked before anything is held: others would wait for the answer too.
    const person = await this.#personIn(tx, owner.userId);
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
      who: person && {
        ...person.decider,
        email: person.known.email,
        mayDecide: mayDecide(person.known, request),
      },
    };
  }

  /** Asked about once in a transaction. */
  #personIn(tx: Tx, userId: number): Asking {
    const people = this.#asking.get(tx) ?? new Map<number, Asking>();
    const person = people.get(userId) ?? this.#ask(userId);
    this.#asking.set(tx, people.set(userId, person));
    return person;
  }

  async #ask(userId: number): Asking {
    const known = await this.approvers.known(userId);
    return known ? { known, decider: await this.approvers.deciderOf(rightsOf(known)) } : null;
  }
}
