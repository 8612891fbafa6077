import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Clock, Database } from '@lineclear/kit';
import * as factors from '../db/second-factors.repo.js';
import { acceptedKinds, type FactorKind } from '../domain/second-factor.js';
import { stepOfCode } from '../domain/totp.js';
import { AtRest } from './at-rest.js';
import { Passkeys, type Assertion, type RelyingParty } from './passkeys.js';

/** What somebody shows beside, or in the place of, their password. */
export type FactorProof =
  | { readonly kind: 'totp'; readonly code: string }
  | { readonly kind: 'recovery_code'; readonly code: string }
  | { readonly kind: 'passkey'; readonly assertion: Assertion; readonly party: RelyingParty };

/** What a person has beside a password, and whether they show it. Whoever asks here counts the wrong ones. */
@Injectable()
export class SecondFactors {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly atRest: AtRest,
    private readonly passkeys: Passkeys,
  ) {}

  /** What this person may show; nothing where a password is enough. */
  async accepted(userId: number): Promise<FactorKind[]> {
    return acceptedKinds(await factors.of(this.database, userId));
  }

  /** Whether this is a factor of that person, now and for the first time: what proves something once does so no more. */
  async proves(userId: number, proof: FactorProof): Promise<boolean> {
    switch (proof.kind) {
      case 'totp': {
        const step = await this.stepOf(userId, proof.code);
        return step !== undefined && factors.useStep(this.database, userId, step);
      }
      case 'recovery_code':
        return factors.useRecoveryCode(this.database, userId, hashToken(proof.code));
      case 'passkey':
        return (await this.passkeys.signer(proof.assertion, proof.party, 'preferred')) === userId;
    }
  }

  /** The step that the person's app shows this code in, whether the app counts already or is being set up. */
  async stepOf(userId: number, code: string): Promise<number | undefined> {
    const now = this.clock.now();
    const totp = await factors.totpOf(this.database, userId, now);
    if (!totp) return undefined;
    const secret = this.atRest.open('totp-secret', String(userId), totp.sealed_secret);
    return stepOfCode(secret.reveal(), code, now);
  }
}
