import { Controller } from '@nestjs/common';
import {
  deleteSecret,
  secretsPublicKey,
  storeSecret,
  type ReplyOf,
  type RequestOf,
} from '@lineclear/contracts';
import { OnRequest } from '@lineclear/bus';
import { BadInput, SealingKey, validate } from '@lineclear/kit';
import { isChannelName } from '../domain/lookup.js';
import { GLOBAL } from '../domain/scopes.js';
import { secretValue } from '../domain/secret-value.js';
import { ChangeSecrets } from '../store/change-secrets.js';

/** What the notifier was given for its channels goes into the store sealed, and nothing else can be set this way. */
@Controller()
export class KeepChannelSecrets {
  constructor(
    private readonly change: ChangeSecrets,
    private readonly sealingKey: SealingKey,
  ) {}

  @OnRequest(secretsPublicKey)
  // oxlint-disable-next-line typescript/require-await -- answers are promises
  async publicKey(_request: RequestOf<typeof secretsPublicKey>): Promise<ReplyOf<typeof secretsPublicKey>> {
    return { public_key: this.sealingKey.publicKey };
  }

  @OnRequest(storeSecret)
  async keep({ name, box }: RequestOf<typeof storeSecret>): Promise<ReplyOf<typeof storeSecret>> {
    requireChannelName(name);
    const value = validate(secretValue, await this.#open(box), 'box');
    const { version } = await this.change.put({ scope: GLOBAL, name, value });
    return { version };
  }

  @OnRequest(deleteSecret)
  async forget({ name }: RequestOf<typeof deleteSecret>): Promise<ReplyOf<typeof deleteSecret>> {
    requireChannelName(name);
    return { deleted: await this.change.purge({ scope: GLOBAL, name }) };
  }

  async #open(box: string): Promise<string> {
    try {
      return await this.sealingKey.open(box);
    } catch (cause) {
      throw new BadInput([{ path: 'box', message: 'is not sealed to the key of secrets.public_key' }], {
        cause,
      });
    }
  }
}

function requireChannelName(name: string): void {
  if (!isChannelName(name))
    throw BadInput.at('name', 'only secrets of channels (channel.…) are kept this way');
}
