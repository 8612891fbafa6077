import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited, hashToken } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import {
  BadInput,
  Clock,
  Conflict,
  Database,
  NotAllowed,
  NotAuthenticated,
  NotFound,
  TooMany,
  type Tx,
} from '@lineclear/kit';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server';
import * as passkeysRepo from '../db/passkeys.repo.js';
import * as factors from '../db/second-factors.repo.js';
import * as users from '../db/users.repo.js';
import { RECOVERY_CODE_BYTES, RECOVERY_CODES, recoveryCodeOf } from '../domain/recovery-codes.js';
import { ENROLMENT_SECONDS, MAX_PASSKEYS, needsSecondFactor } from '../domain/second-factor.js';
import { after } from '../domain/session-lifetime.js';
import { otpauthUri, totpSecretOf } from '../domain/totp.js';
import { AtRest } from './at-rest.js';
import { callerNow } from './find-by-token.js';
import { Passkeys, type Attestation, type RelyingParty } from './passkeys.js';
import { PasswordGate, type Proof } from './password-gate.js';
import { SecondFactors, type FactorProof } from './second-factors.js';

/** What a person shows anew before their factors change: whoever has found an open browser cannot. */
export type FreshProof = FactorProof | { readonly kind: 'password'; readonly password: string };

/** Who asks, and from where. */
export interface Asker {
  readonly caller: Principal;
  readonly address: string;
}

const TOTP_SECRET_BYTES = 20;
const FIELDS = {
  password: 'current_password',
  totp: 'code',
  recovery_code: 'recovery_code',
  passkey: 'passkey',
} as const;

/** A person's own second factors. With the first come recovery codes, and with the last they go. */
@Injectable()
export class ManageFactors {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly atRest: AtRest,
    private readonly gate: PasswordGate,
    private readonly secondFactors: SecondFactors,
    private readonly passkeys: Passkeys,
  ) {}

  /** Begins with an authenticator app, which counts for nothing until it has shown a code. */
  async beginTotp(
    asker: Asker,
    proof: FreshProof,
  ): Promise<{ readonly secret: string; readonly uri: string; readonly expiresAt: Date }> {
    const { id, username } = await this.#proved(asker, proof);
    const secret = totpSecretOf(randomBytes(TOTP_SECRET_BYTES));
    const sealed = this.atRest.seal('totp-secret', String(id), secret);
    const expiresAt = after(this.clock.now(), ENROLMENT_SECONDS);
    await this.#change(asker, 'factor.totp_begun', async (tx) => {
      if (!(await factors.beginTotp(tx, id, sealed, expiresAt)))
        throw new Conflict('there is an authenticator app already: remove it first');
    });
    return { secret, uri: otpauthUri(secret, username), expiresAt };
  }

  /** @returns the recovery codes, if this is the person's first factor */
  async confirmTotp(asker: Asker, code: string): Promise<readonly string[] | undefined> {
    const account = await this.#inSession(asker);
    const begun = await factors.totpOf(this.database, account.id, this.clock.now());
    if (!begun || begun.confirmed_at !== null)
      throw new Conflict('no authenticator app is being set up, or its 10 minutes are over: begin again');
    let step: number | undefined;
    const proof = await this.gate.judge(account, claimOf(account, asker), async () => {
      step = await this.secondFactors.stepOf(account.id, code);
      return step !== undefined;
    });
    refuse(proof, 'code');
    return this.#change(asker, 'factor.totp_added', async (tx, now) => {
      const shown = { sealedSecret: begun.sealed_secret, step: step! };
      const before = await factors.of(tx, account.id);
      if (!(await factors.confirmTotp(tx, account.id, shown, now)))
        throw new Conflict('another authenticator app was set up meanwhile');
      return needsSecondFactor(before) ? undefined : issueRecoveryCodes(tx, account.id);
    });
  }

  async removeTotp(asker: Asker, proof: FreshProof): Promise<void> {
    const { id } = await this.#proved(asker, proof);
    await this.#change(asker, 'factor.totp_removed', async (tx) => {
      if (!(await factors.removeTotp(tx, id))) throw new NotFound('factor', 'totp');
      await dropCodesWithTheLast(tx, id);
    });
  }

  /** New recovery codes; the old ones are void. */
  async renewRecoveryCodes(asker: Asker, proof: FreshProof): Promise<readonly string[]> {
    const { id } = await this.#proved(asker, proof);
    return this.#change(asker, 'factor.recovery_codes_renewed', async (tx) => {
      if (!needsSecondFactor(await factors.of(tx, id)))
        throw new Conflict('there is no factor that recovery codes could stand in for');
      return issueRecoveryCodes(tx, id);
    });
  }

  async passkeyOptions(
    asker: Asker,
    proof: FreshProof,
    party: RelyingParty,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return this.passkeys.creationOptions(await this.#proved(asker, proof), party);
  }

  /** Adds a passkey that answers options which needed a proof. @returns recovery codes too, if it is the first factor */
  async addPasskey(
    asker: Asker,
    passkey: { readonly name: string; readonly attestation: Attestation; readonly party: RelyingParty },
  ): Promise<{
    readonly row: passkeysRepo.PasskeyRow;
    readonly recoveryCodes: readonly string[] | undefined;
  }> {
    const { id } = await this.#inSession(asker);
    const created = await this.passkeys.created(id, passkey.attestation, passkey.party);
    return this.#change(asker, 'factor.passkey_added', async (tx, now) => {
      const before = await factors.of(tx, id);
      if (before.passkeys >= MAX_PASSKEYS)
        throw new Conflict(`there are ${MAX_PASSKEYS} passkeys already: remove one first`);
      const row = await passkeysRepo.insert(tx, { ...created, name: passkey.name }, now);
      const recoveryCodes = needsSecondFactor(before) ? undefined : await issueRecoveryCodes(tx, id);
      return { row, recoveryCodes };
    });
  }

  async renamePasskey(asker: Asker, passkeyId: number, name: string): Promise<passkeysRepo.PasskeyRow> {
    const { id } = await this.#inSession(asker);
    return this.#change(asker, 'factor.passkey_renamed', async (tx) => {
      const row = await passkeysRepo.rename(tx, id, passkeyId, name);
      if (!row) throw new NotFound('passkey', passkeyId);
      return row;
    });
  }

  async removePasskey(asker: Asker, passkeyId: number, proof: FreshProof): Promise<void> {
    const { id } = await this.#proved(asker, proof);
    await this.#change(asker, 'factor.passkey_removed', async (tx) => {
      if (!(await passkeysRepo.remove(tx, id, passkeyId))) throw new NotFound('passkey', passkeyId);
      await dropCodesWithTheLast(tx, id);
    });
  }

  async #inSession({ caller }: Asker): Promise<users.Account> {
    if (caller.via !== 'session') throw new NotAllowed('factors are changed in a session, not with a key');
    const account = await users.accountById(this.database, caller.user_id);
    if (!account) throw new NotAuthenticated();
    return account;
  }

  async #proved(asker: Asker, proof: FreshProof): Promise<users.Account> {
    const account = await this.#inSession(asker);
    const claim = claimOf(account, asker);
    const outcome =
      proof.kind === 'password'
        ? await this.gate.check(account, { ...claim, password: proof.password })
        : await this.gate.judge(account, claim, () => this.secondFactors.proves(account.id, proof));
    refuse(outcome, FIELDS[proof.kind]);
    return account;
  }

  async #change<T>({ caller }: Asker, action: string, change: (tx: Tx, now: Date) => Promise<T>): Promise<T> {
    return this.database.tx(async (tx) => {
      await factors.lock(tx, caller.user_id);
      const now = this.clock.now();
      await callerNow(tx, caller, now);
      const result = await change(tx, now);
      await this.bus.publish(tx, audited(action, { target: `user/${caller.user_id}` }));
      return result;
    });
  }
}

const claimOf = ({ username: name }: users.Account, { address }: Asker) => ({ name, address });

/** @throws TooMany, BadInput */
function refuse(proof: Proof, field: string): void {
  if (proof.state === 'locked')
    throw new TooMany('too many wrong proofs; wait before the next try', proof.retryAfterSeconds);
  if (proof.state === 'wrong') throw BadInput.at(field, 'is not right');
}

async function issueRecoveryCodes(tx: Tx, userId: number): Promise<readonly string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, () =>
    recoveryCodeOf(randomBytes(RECOVERY_CODE_BYTES)),
  );
  await factors.removeRecoveryCodes(tx, userId);
  await factors.insertRecoveryCodes(tx, userId, codes.map(hashToken));
  return codes;
}

async function dropCodesWithTheLast(tx: Tx, userId: number): Promise<void> {
  if (!needsSecondFactor(await factors.of(tx, userId))) await factors.removeRecoveryCodes(tx, userId);
}
