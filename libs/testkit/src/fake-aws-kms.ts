import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AwsFault, textOf, type Input, type Operations } from './fake-aws-protocol.js';

interface KmsKey {
  readonly arn: string;
  readonly bytes: Buffer;
  isEnabled: boolean;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 36;
const MAX_PLAINTEXT_BYTES = 4_096;

/** Symmetric keys that never leave; the encryption context is bound to what they encrypt. */
export class FakeKms {
  readonly #byId = new Map<string, KmsKey>();
  readonly #aliases = new Map<string, string>();
  readonly operations: Operations = {
    Encrypt: (input) => this.#encrypt(input),
    Decrypt: (input) => this.#decrypt(input),
  };

  /** Makes a key, under an alias if one is given; its ARN. */
  key(alias?: string): string {
    const id = crypto.randomUUID();
    const arn = `arn:aws:kms:eu-test-1:123456789012:key/${id}`;
    this.#byId.set(id, { arn, bytes: randomBytes(32), isEnabled: true });
    if (alias !== undefined) this.#aliases.set(alias, id);
    return arn;
  }

  /** Turns a key off or on, by its ARN. */
  enable(arn: string, isEnabled: boolean): void {
    const key = this.#byId.get(idOf(arn));
    if (key) key.isEnabled = isEnabled;
  }

  #encrypt(input: Input): object {
    const [id, key] = this.#keyOf(textOf(input, 'KeyId') ?? '');
    const clear = Buffer.from(textOf(input, 'Plaintext') ?? '', 'base64');
    if (clear.length === 0 || clear.length > MAX_PLAINTEXT_BYTES)
      throw new AwsFault('ValidationException', 'the plaintext has 1 to 4096 bytes');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(aadOf(input));
    const sealed = Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
    const blob = Buffer.concat([Buffer.from(id), nonce, sealed]);
    return {
      CiphertextBlob: blob.toString('base64'),
      KeyId: key.arn,
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    };
  }

  #decrypt(input: Input): object {
    const blob = Buffer.from(textOf(input, 'CiphertextBlob') ?? '', 'base64');
    const id = blob.subarray(0, ID_BYTES).toString();
    const key = this.#byId.get(id);
    if (!key || blob.length < ID_BYTES + NONCE_BYTES + TAG_BYTES) throw notOurs();
    if (input['KeyId'] !== undefined && this.#keyOf(textOf(input, 'KeyId') ?? '')[0] !== id)
      throw new AwsFault(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can perform this operation.',
      );
    requireEnabled(key);
    const nonce = blob.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce)
      .setAAD(aadOf(input))
      .setAuthTag(blob.subarray(-TAG_BYTES));
    try {
      const clear = Buffer.concat([
        decipher.update(blob.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]);
      return {
        Plaintext: clear.toString('base64'),
        KeyId: key.arn,
        EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      };
    } catch {
      throw notOurs();
    }
  }

  #keyOf(wanted: string): [id: string, key: KmsKey] {
    const id = this.#aliases.get(wanted.replace(/^arn:.*:(?=alias\/)/, '')) ?? idOf(wanted);
    const key = this.#byId.get(id);
    if (!key) throw new AwsFault('NotFoundException', `Key '${wanted}' does not exist`);
    requireEnabled(key);
    return [id, key];
  }
}

const idOf = (arn: string): string => arn.replace(/^.*key\//, '');
const notOurs = (): AwsFault => new AwsFault('InvalidCiphertextException', '');

function requireEnabled({ isEnabled, arn }: KmsKey): void {
  if (!isEnabled) throw new AwsFault('DisabledException', `${arn} is disabled.`);
}

/** The pairs in one order, whatever order they came in. */
function aadOf({ EncryptionContext: context = {} }: Input): Buffer {
  const pairs = Object.entries(context as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(pairs));
}
