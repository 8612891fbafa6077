import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Secret, Unavailable, type Clock } from '@lineclear/kit';
import { entriesOf, keyOf, Malformed } from '../domain/secrets-file.js';
import { AwsCalls } from './aws-calls.js';
import { awsClientOptions, type AwsConfig } from './aws-env.js';
import { presenceOf, type Found, type Presence, type SecretSource } from './source.js';

interface Bundle {
  readonly secretId: string;
  readonly versionId: string | undefined;
  readonly values: ReadonlyMap<string, Secret>;
}
interface Sdk {
  readonly client: SecretsManagerClient;
  readonly GetSecretValueCommand: typeof import('@aws-sdk/client-secrets-manager').GetSecretValueCommand;
}

/** Secrets of AWS Secrets Manager, each a JSON object of names and values; of several the first that has a name wins. It remembers nothing: that is CachedSource's. */
export class AwsSecretsManagerSource implements SecretSource {
  readonly name = 'aws';
  readonly #calls: AwsCalls;
  readonly #fetching = new Map<string, Promise<Bundle | undefined>>();
  #sdk: Promise<Sdk> | undefined;

  constructor(
    private readonly secretIds: readonly string[],
    private readonly config: AwsConfig,
    clock: Clock,
  ) {
    this.#calls = new AwsCalls('AWS Secrets Manager', clock, config.LINECLEAR_AWS_TIMEOUT_SECONDS);
  }

  /** @throws Unavailable, naming the secret, for everything but a secret that does not exist */
  async find(_scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    for (const secretId of this.secretIds) {
      const wanted = names.filter((name) => !found.has(name));
      if (wanted.length === 0) break;
      const bundle = await this.#fetchOnce(secretId);
      if (!bundle) continue;
      for (const name of wanted) {
        const key = keyOf(name, (one) => bundle.values.has(one));
        const value = key === undefined ? undefined : bundle.values.get(key);
        if (value) found.set(name, foundIn(bundle, value));
      }
    }
    return found;
  }

  async presence(scope: string, name: string): Promise<Presence> {
    const found = (await this.find(scope, [name])).get(name);
    return { ...presenceOf(found), note: found?.note ?? `in ${this.secretIds.join(', ')}` };
  }

  async close(): Promise<void> {
    (await this.#sdk)?.client.destroy();
  }

  /** Whoever asks while an answer is on its way gets that one. */
  #fetchOnce(secretId: string): Promise<Bundle | undefined> {
    const running = this.#fetching.get(secretId);
    if (running) return running;
    const fetching = this.#fetch(secretId).finally(() => this.#fetching.delete(secretId));
    this.#fetching.set(secretId, fetching);
    return fetching;
  }

  async #fetch(secretId: string): Promise<Bundle | undefined> {
    const { client, GetSecretValueCommand } = await (this.#sdk ??= this.#load());
    const answer = await this.#calls.call(
      `the secret ${secretId}`,
      (abortSignal) =>
        client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' }), {
          abortSignal,
        }),
      ['ResourceNotFoundException'],
    );
    if ('error' in answer) return undefined;
    const { SecretString: text, VersionId: versionId } = answer.output;
    return { secretId, versionId: versionId?.slice(0, 100), values: valuesOf(secretId, text) };
  }

  /** Only a house that uses AWS loads its SDK. */
  async #load(): Promise<Sdk> {
    const { SecretsManagerClient: Client, GetSecretValueCommand } =
      await import('@aws-sdk/client-secrets-manager');
    return { client: new Client(awsClientOptions(this.config)), GetSecretValueCommand };
  }
}

const foundIn = ({ secretId, versionId }: Bundle, value: Secret): Found => ({
  value,
  version: null,
  ...(versionId === undefined ? {} : { versionId }),
  note: `in ${secretId}`,
});

function valuesOf(secretId: string, text: string | undefined): ReadonlyMap<string, Secret> {
  if (text === undefined)
    throw new Unavailable(`AWS Secrets Manager: the secret ${secretId} is not a text but binary`);
  try {
    return new Map([...entriesOf(text, 'json')].map(([key, value]) => [key, new Secret(value)]));
  } catch (error) {
    if (error instanceof Malformed)
      throw new Unavailable(`AWS Secrets Manager: the secret ${secretId} ${error.message}`);
    throw error;
  }
}
