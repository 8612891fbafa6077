import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import * as passkeys from '../db/passkeys.repo.js';
import * as users from '../db/users.repo.js';
import { LetIn, type LoggedIn, type Visit } from './let-in.js';
import { Passkeys, type Assertion, type RelyingParty } from './passkeys.js';
import { PasswordGate, type Proof } from './password-gate.js';

/** Lets people in by a passkey alone: it has seen their finger, face or PIN, so that it is two factors in one. */
@Injectable()
export class PasskeyLogin {
  constructor(
    private readonly database: Database,
    private readonly gate: PasswordGate,
    private readonly passkeys: Passkeys,
    private readonly door: LetIn,
  ) {}

  async attempt(
    assertion: Assertion,
    party: RelyingParty,
    visit: Visit,
  ): Promise<LoggedIn | Exclude<Proof, { state: 'right' }>> {
    const passkey = await passkeys.byCredential(this.database, assertion.id);
    const account = passkey && (await users.accountById(this.database, passkey.user_id));
    const claim = { name: account?.username ?? assertion.id, address: visit.address };
    const proof = await this.gate.judge(account, claim, async () => {
      const signer = await this.passkeys.signer(assertion, party, 'required');
      return signer !== undefined && signer === account?.id;
    });
    if (proof.state !== 'right') return proof;
    const opened = account && (await this.database.tx((tx) => this.door.open(tx, account, visit, 'passkey')));
    return opened ?? { state: 'wrong' };
  }
}
