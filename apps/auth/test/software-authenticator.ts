import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const [PRESENT, VERIFIED, HAS_CREDENTIAL] = [0x01, 0x04, 0x40];

/** What a test may get wrong. */
export interface Slip {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly isVerified?: boolean;
  readonly counter?: number;
  readonly type?: string;
  readonly signature?: Buffer;
  readonly userHandle?: string;
  readonly certificate?: Uint8Array;
}

/** An authenticator and the browser before it, as WebAuthn describes them: one ES256 key, no attestation. */
export class SoftwareAuthenticator {
  readonly credentialId = base64url(randomBytes(16));
  counter = 0;
  /** Kept by those that can be found without a name. */
  #userHandle: string | undefined;
  readonly #key: KeyObject;
  readonly #publicKey: Buffer;

  constructor(
    private readonly origin: string,
    private readonly isVerified = true,
  ) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    // RFC 9052: an elliptic curve key, for ES256, on P-256.
    const cose = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Uint8Array.from(Buffer.from(x!, 'base64url'))],
      [-3, Uint8Array.from(Buffer.from(y!, 'base64url'))],
    ]);
    this.#publicKey = Buffer.from(isoCBOR.encode(cose));
  }

  /** `navigator.credentials.create` */
  // oxlint-disable-next-line typescript/no-explicit-any
  create(options: any, slip: Slip = {}): object {
    this.#userHandle = options.user.id;
    const id = Buffer.from(this.credentialId, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const credential = Buffer.concat([Buffer.alloc(16), length, id, this.#publicKey]);
    const authData = Buffer.concat([
      this.#data(slip.rpId ?? options.rp.id, HAS_CREDENTIAL, slip),
      credential,
    ]);
    const statement = slip.certificate
      ? new Map<string, unknown>([
          ['alg', -7],
          ['sig', new Uint8Array(64)],
          ['x5c', [slip.certificate]],
        ])
      : new Map();
    const attestation = new Map<string, unknown>([
      ['fmt', slip.certificate ? 'packed' : 'none'],
      ['attStmt', statement],
      ['authData', Uint8Array.from(authData)],
    ]);
    return this.#answer({
      clientDataJSON: base64url(this.#clientData('webauthn.create', options.challenge, slip)),
      attestationObject: base64url(isoCBOR.encode(attestation as never)),
      transports: ['internal'],
    });
  }

  /** `navigator.credentials.get` */
  // oxlint-disable-next-line typescript/no-explicit-any
  get(options: any, slip: Slip = {}): object {
    this.counter += 1;
    const clientData = this.#clientData('webauthn.get', options.challenge, slip);
    const authData = this.#data(slip.rpId ?? options.rpId, 0, slip);
    const signed = Buffer.concat([authData, sha256(clientData)]);
    return this.#answer({
      clientDataJSON: base64url(clientData),
      authenticatorData: base64url(authData),
      signature: base64url(slip.signature ?? sign('sha256', signed, this.#key)),
      userHandle: slip.userHandle ?? this.#userHandle,
    });
  }

  #answer(response: object): object {
    const { credentialId: id } = this;
    return {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
      response,
    };
  }

  #clientData(type: string, challenge: string, slip: Slip): Buffer {
    const data = {
      type: slip.type ?? type,
      challenge: slip.challenge ?? challenge,
      origin: slip.origin ?? this.origin,
      crossOrigin: false,
    };
    return Buffer.from(JSON.stringify(data));
  }

  #data(rpId: string, more: number, slip: Slip): Buffer {
    const rest = Buffer.alloc(5);
    rest.writeUInt8(PRESENT | ((slip.isVerified ?? this.isVerified) ? VERIFIED : 0) | more, 0);
    rest.writeUInt32BE(slip.counter ?? this.counter, 1);
    return Buffer.concat([sha256(rpId), rest]);
  }
}
