import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Clock, Database, NotAuthenticated } from '@lineclear/kit';
import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import * as tickets from '../db/login-tickets.repo.js';
import * as users from '../db/users.repo.js';
import { MAX_ATTEMPTS, TICKET_SECONDS, type FactorKind } from '../domain/second-factor.js';
import { after } from '../domain/session-lifetime.js';
import { LetIn, type LoggedIn, type Visit } from './let-in.js';
import { Passkeys, type RelyingParty } from './passkeys.js';
import { PasswordGate, type Claim, type Proof } from './password-gate.js';
import { SecondFactors, type FactorProof } from './second-factors.js';
import { newToken } from './tokens.js';

export interface SecondFactorNeeded {
  readonly state: 'second_factor';
  readonly ticket: string;
  readonly kinds: readonly FactorKind[];
  readonly expiresAt: Date;
}

/** Why a second factor did not get somebody in. */
export type SecondStepRefused =
  { readonly state: 'wrong_factor' } | { readonly state: 'no_ticket' } | Extract<Proof, { state: 'locked' }>;

/** The second half of a login by password. Between the two a ticket says that the first was right; any replica takes it. */
@Injectable()
export class SecondStep {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly gate: PasswordGate,
    private readonly factors: SecondFactors,
    private readonly passkeys: Passkeys,
    private readonly door: LetIn,
  ) {}

  async begin(
    account: users.Account,
    visit: Visit,
    kinds: readonly FactorKind[],
  ): Promise<SecondFactorNeeded> {
    const ticket = newToken();
    const expiresAt = after(this.clock.now(), TICKET_SECONDS);
    await tickets.insert(this.database, {
      ticket_sha256: hashToken(ticket),
      user_id: account.id,
      password_sha256: fingerprint(account),
      remember_me: visit.rememberMe,
      expires_at: expiresAt,
    });
    return { state: 'second_factor', ticket, kinds, expiresAt };
  }

  /** Asks the passkeys of whose ticket it is. @throws NotAuthenticated for a ticket that is not good */
  async passkeyOptions(ticket: string, party: RelyingParty): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const found = await tickets.find(this.database, hashToken(ticket), MAX_ATTEMPTS, this.clock.now());
    if (!found) throw noTicket();
    return this.passkeys.requestOptions(party, { userId: found.user_id, userVerification: 'preferred' });
  }

  async finish(
    ticket: string,
    proof: FactorProof,
    from: Omit<Visit, 'rememberMe'>,
  ): Promise<LoggedIn | SecondStepRefused> {
    const sha256 = hashToken(ticket);
    const found = await tickets.takeAttempt(this.database, sha256, MAX_ATTEMPTS, this.clock.now());
    const account = found && (await users.accountById(this.database, found.user_id));
    if (!account || fingerprint(account) !== found.password_sha256) return { state: 'no_ticket' };
    const refused = await this.refusal(account, proof, { name: account.username, address: from.address });
    if (refused) return refused;
    const opened = await this.database.tx(async (tx) => {
      if (!(await tickets.take(tx, sha256))) return undefined;
      return this.door.open(tx, account, { ...from, rememberMe: found.remember_me }, 'password_and_factor');
    });
    return opened ?? { state: 'no_ticket' };
  }

  /** Undefined when the proof is right. */
  async refusal(
    account: users.Account,
    proof: FactorProof,
    claim: Claim,
  ): Promise<Exclude<SecondStepRefused, { state: 'no_ticket' }> | undefined> {
    const shown = await this.gate.judge(account, claim, () => this.factors.proves(account.id, proof));
    if (shown.state === 'right') return undefined;
    return shown.state === 'locked' ? shown : { state: 'wrong_factor' };
  }
}

export const noTicket = (): NotAuthenticated =>
  new NotAuthenticated('this ticket is not good, or not any more: log in again');

const fingerprint = ({ password_hash }: users.Account): string => hashToken(password_hash ?? '');
