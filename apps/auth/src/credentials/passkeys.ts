import { Inject, Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { BadInput, Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import * as passkeys from '../db/passkeys.repo.js';
import type { Account } from '../db/users.repo.js';
import { CHALLENGE_SECONDS } from '../domain/second-factor.js';
import { after } from '../domain/session-lifetime.js';

/** Whom a passkey is made for: the house, as the browser knows it. */
export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

interface Credential {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
}
/** What a browser says of a new passkey. */
export interface Attestation extends Credential {
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports?: string[] | undefined;
  };
}
/** What a browser says when a passkey has signed. */
export interface Assertion extends Credential {
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string | null | undefined;
  };
}

export type UserVerification = 'required' | 'preferred';
// Twenty megabytes of certificates' forms come with it: a house loads them with its first passkey.
const webauthn = () => import('@simplewebauthn/server');
const RP_NAME = 'Lineclear';
const TIMEOUT_MS = CHALLENGE_SECONDS * 1_000;

/** The authenticator's name for a person. It shows nothing about them, and tells whose passkey it is. */
const handleOf = (userId: number): Buffer => Buffer.from(`user/${userId}`);

/** WebAuthn: what passkeys are asked to sign, on any replica, and whether they did. */
@Injectable()
export class Passkeys {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** For `navigator.credentials.create`. */
  async creationOptions(
    account: Account,
    party: RelyingParty,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const own = await passkeys.allOf(this.database, account.id);
    const { generateRegistrationOptions } = await webauthn();
    const options = await generateRegistrationOptions({
      rpName: RP_NAME,
      rpID: party.id,
      userID: Uint8Array.from(handleOf(account.id)),
      userName: account.username,
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: own.map(({ credential_id: id, transports }) => ({ id, transports })),
      // One that cannot be found without a name is good as a second factor all the same.
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    });
    await this.#keep(options.challenge, account.id);
    return options;
  }

  /** @throws BadInput for what is not the answer to options that were given to this person. */
  async created(
    userId: number,
    attestation: Attestation,
    party: RelyingParty,
  ): Promise<Omit<passkeys.NewPasskey, 'name'>> {
    const challenge = await this.#challengeOf(attestation, userId);
    if (challenge === undefined)
      throw BadInput.at('response', 'is no answer to what was asked here in the last 5 minutes');
    const { clientDataJSON, attestationObject, transports = [] } = attestation.response;
    try {
      await refuseCertificates(attestationObject);
      const { verifyRegistrationResponse } = await webauthn();
      const { registrationInfo } = await verifyRegistrationResponse({
        response: {
          ...attestation,
          clientExtensionResults: {},
          response: { clientDataJSON, attestationObject, transports },
        },
        expectedChallenge: challenge,
        expectedOrigin: party.origin,
        expectedRPID: party.id,
        requireUserVerification: false,
      });
      if (registrationInfo) {
        const { id: credentialId, publicKey, counter } = registrationInfo.credential;
        if (credentialId === attestation.id) return { userId, credentialId, publicKey, counter, transports };
      }
    } catch (error) {
      this.log.info({ err: error, user_id: userId }, 'a new passkey was not accepted');
    }
    throw BadInput.at('response', 'is not that of a passkey made for this house');
  }

  /** For `navigator.credentials.get`: with any of a person's passkeys or, unnamed, with whatever the browser finds. */
  async requestOptions(
    party: RelyingParty,
    of: { readonly userId?: number; readonly userVerification: UserVerification },
  ): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const own = of.userId === undefined ? [] : await passkeys.allOf(this.database, of.userId);
    const { generateAuthenticationOptions } = await webauthn();
    const options = await generateAuthenticationOptions({
      rpID: party.id,
      timeout: TIMEOUT_MS,
      userVerification: of.userVerification,
      allowCredentials: own.map(({ credential_id: id, transports }) => ({ id, transports })),
    });
    await this.#keep(options.challenge, null);
    return options;
  }

  /** Whose passkey has signed what it was asked to here; undefined when none has. */
  async signer(
    assertion: Assertion,
    party: RelyingParty,
    userVerification: UserVerification,
  ): Promise<number | undefined> {
    const challenge = await this.#challengeOf(assertion, null);
    const passkey = await passkeys.byCredential(this.database, assertion.id);
    if (challenge === undefined || !passkey) return undefined;
    const { userHandle, ...response } = assertion.response;
    if (userHandle && userHandle !== handleOf(passkey.user_id).toString('base64url')) return undefined;
    try {
      const { verifyAuthenticationResponse } = await webauthn();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: { ...assertion, clientExtensionResults: {}, response },
        expectedChallenge: challenge,
        expectedOrigin: party.origin,
        expectedRPID: party.id,
        requireUserVerification: userVerification === 'required',
        // Its counter is judged below, by the database and of those alone that have signed.
        credential: {
          id: passkey.credential_id,
          publicKey: Uint8Array.from(passkey.public_key),
          counter: 0,
        },
      });
      if (!verified) return undefined;
      const { id, user_id } = passkey;
      if (await passkeys.used(this.database, id, authenticationInfo.newCounter, this.clock.now()))
        return user_id;
      this.log.warn(
        { user_id, passkey_id: id, counter: authenticationInfo.newCounter },
        'a passkey was refused because its counter went back: there may be a copy of it',
      );
    } catch (error) {
      this.log.info({ err: error, user_id: passkey.user_id }, 'a passkey was not accepted');
    }
    return undefined;
  }

  async #keep(challenge: string, userId: number | null): Promise<void> {
    const expiresAt = after(this.clock.now(), CHALLENGE_SECONDS);
    await passkeys.challenge(this.database, { sha256: hashToken(challenge), userId, expiresAt });
  }

  /** The challenge that this answers, taken; undefined when it is none of ours, or was answered before. */
  async #challengeOf(answer: Attestation | Assertion, userId: number | null): Promise<string | undefined> {
    const challenge = challengeIn(answer.response.clientDataJSON);
    if (challenge === undefined) return undefined;
    const of = { sha256: hashToken(challenge), userId };
    return (await passkeys.takeChallenge(this.database, of, this.clock.now())) ? challenge : undefined;
  }
}

function challengeIn(clientDataJSON: string): string | undefined {
  try {
    const text = Buffer.from(clientDataJSON, 'base64url').toString('utf8');
    const { challenge } = JSON.parse(text) as { challenge: unknown };
    return typeof challenge === 'string' ? challenge : undefined;
  } catch {
    return undefined;
  }
}

/** A maker's certificate was not asked for; to judge one, addresses in it would have to be called. */
async function refuseCertificates(attestationObject: string): Promise<void> {
  const { decodeAttestationObject, isoBase64URL } = await import('@simplewebauthn/server/helpers');
  const attestation = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject));
  const [format, statement] = [attestation.get('fmt'), attestation.get('attStmt')];
  const isSigned = format === 'packed' && statement.get('x5c') === undefined;
  if (format !== 'none' && !isSigned) throw new Error(`an attestation of the form ${String(format)}`);
}
