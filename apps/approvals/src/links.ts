import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Clock, Conflict, Database, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import { AskedByToken } from './asked-by-token.js';
import { hasNonce, setNonce, spendToken } from './db/reply-tokens.repo.js';
import { settingsNow } from './db/settings.repo.js';
import { Decisions, type Word } from './decisions.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { judgeAsked, type Answerer, type Told } from './domain/judge-asked.js';

const NONCE_LIVES_MS = 10 * 60_000;

export interface Shown {
  readonly request: ApprovalRequest;
  readonly who: Pick<Answerer, 'username'>;
  /** To decide by, for ten minutes; without one it takes a login. */
  readonly nonce: string | undefined;
}

/** What the link of an approval mail leads to: looking decides nothing, and deciding takes what was given out with the look. */
@Injectable()
export class Links {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    private readonly askedByToken: AskedByToken,
  ) {}

  /** @throws NotFound, NotAllowed, Conflict (used, too late, or decided by now) */
  async show(token: string): Promise<Shown> {
    const sha256 = hashToken(token);
    return this.database.tx(async (tx) => {
      const { request, who } = await this.#asked(tx, sha256);
      if (await this.#needsLogin(tx, request)) return { request, who, nonce: undefined };
      const nonce = randomBytes(24).toString('base64url');
      await setNonce(tx, sha256, hashToken(nonce), new Date(this.clock.now().getTime() + NONCE_LIVES_MS));
      return { request, who, nonce };
    });
  }

  /** @throws as `show`; NotAllowed where it takes a login, Conflict where the nonce is not the last one given */
  async decide(token: string, nonce: string, word: Omit<Word, 'via'>): Promise<ApprovalRequest> {
    const sha256 = hashToken(token);
    return this.database.tx(async (tx) => {
      const { request, who } = await this.#asked(tx, sha256);
      if (await this.#needsLogin(tx, request))
        throw new NotAllowed('a job of this cost is decided by who is logged in');
      const now = this.clock.now();
      if (!(await hasNonce(tx, sha256, hashToken(nonce), now)))
        throw new Conflict('this page is too old: open the link of the mail once more');
      await spendToken(tx, sha256, now);
      const actor = { user_id: who.userId, username: who.username, via: 'link' } as const;
      return this.decisions.decideIn(tx, request.id, who, { ...word, via: 'link' }, actor);
    });
  }

  async #asked(tx: Tx, sha256: string): Promise<{ request: ApprovalRequest; who: Answerer }> {
    const asked = await this.askedByToken.find(tx, sha256, 'link');
    if (!asked?.who) throw new NotFound('approval mail with this link');
    const refusal = judgeAsked(asked, asked.who, this.clock.now());
    if (refusal) throw errorOf(refusal);
    return { request: asked.request, who: asked.who };
  }

  async #needsLogin(tx: Tx, { estimatedCostUsd }: ApprovalRequest): Promise<boolean> {
    const { link_login_above_usd: limit } = await settingsNow(tx);
    return limit !== null && estimatedCostUsd > limit;
  }
}

const errorOf = ({ outcome, message }: Told): Error =>
  outcome === 'not_allowed' ? new NotAllowed(message) : new Conflict(message);
