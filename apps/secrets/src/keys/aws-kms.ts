import type { KMSClient } from '@aws-sdk/client-kms';
import { Unavailable, type Clock } from '@lineclear/kit';
import { CannotOpen } from '../domain/envelope.js';
import { AwsCalls } from '../sources/aws-calls.js';
import { awsClientOptions, type AwsConfig } from '../sources/aws-env.js';
import type { RootContext, RootKey } from './root-key.js';

type Kms = Pick<typeof import('@aws-sdk/client-kms'), 'EncryptCommand' | 'DecryptCommand'> & {
  readonly client: KMSClient;
};

/** What KMS says of bytes that this key did not wrap, or not for this. */
const NOT_OURS = ['InvalidCiphertextException', 'IncorrectKeyException'] as const;

/** A key of AWS KMS, which never leaves it: the context goes along as EncryptionContext, and KMS checks and logs it. */
export class AwsKms implements RootKey {
  readonly id: string;
  readonly #calls: AwsCalls;
  #kms: Promise<Kms> | undefined;

  /** `keyId` is an ARN, a key's id or `alias/…`. An alias must go on leading to the same key; KMS's own rotation keeps the key. */
  constructor(
    private readonly keyId: string,
    private readonly config: AwsConfig,
    clock: Clock,
  ) {
    this.id = `aws-kms:${keyId}`;
    this.#calls = new AwsCalls('AWS KMS', clock, config.LINECLEAR_AWS_TIMEOUT_SECONDS);
  }

  /** @throws Unavailable */
  async wrap(key: Buffer, context: RootContext): Promise<Buffer> {
    const { client, EncryptCommand } = await (this.#kms ??= this.#load());
    const answer = await this.#calls.call(
      `the key ${this.keyId}`,
      (abortSignal) =>
        client.send(
          new EncryptCommand({ KeyId: this.keyId, Plaintext: key, EncryptionContext: { ...context } }),
          {
            abortSignal,
          },
        ),
      [],
    );
    const wrapped = 'output' in answer ? answer.output.CiphertextBlob : undefined;
    if (!wrapped) throw new Unavailable(`AWS KMS: the key ${this.keyId}: an answer without a ciphertext`);
    return Buffer.from(wrapped);
  }

  /** @throws CannotOpen for another key or another context; Unavailable */
  async unwrap(wrapped: Buffer, context: RootContext): Promise<Buffer> {
    const { client, DecryptCommand } = await (this.#kms ??= this.#load());
    const answer = await this.#calls.call(
      `the key ${this.keyId}`,
      (abortSignal) =>
        client.send(
          new DecryptCommand({
            KeyId: this.keyId,
            CiphertextBlob: wrapped,
            EncryptionContext: { ...context },
          }),
          { abortSignal },
        ),
      NOT_OURS,
    );
    if ('error' in answer)
      throw new CannotOpen(`AWS KMS does not open this with ${this.keyId}: ${answer.error}`);
    const { Plaintext: clear } = answer.output;
    if (!clear) throw new Unavailable(`AWS KMS: the key ${this.keyId}: an answer without a plaintext`);
    const key = Buffer.from(clear);
    clear.fill(0);
    return key;
  }

  async close(): Promise<void> {
    (await this.#kms)?.client.destroy();
  }

  /** Only a house that uses KMS loads its SDK. */
  async #load(): Promise<Kms> {
    const { KMSClient: Client, EncryptCommand, DecryptCommand } = await import('@aws-sdk/client-kms');
    return { client: new Client(awsClientOptions(this.config)), EncryptCommand, DecryptCommand };
  }
}
