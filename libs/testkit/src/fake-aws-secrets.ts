import { randomUUID } from 'node:crypto';
import { AwsFault, textOf, type Input, type Operations } from './fake-aws-protocol.js';

interface Version {
  readonly text?: string;
  readonly binary?: string;
  stages: string[];
  readonly createdAt: number;
}
interface StoredSecret {
  readonly name: string;
  readonly arn: string;
  readonly versions: Map<string, Version>;
}

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

/** Secrets with versions and their staging labels. */
export class FakeSecretsManager {
  readonly #byName = new Map<string, StoredSecret>();
  readonly operations: Operations = {
    CreateSecret: (input) => this.#create(input),
    PutSecretValue: (input) => this.#put(this.#secretOf(input), input),
    GetSecretValue: (input) => this.#get(input),
    UpdateSecretVersionStage: (input) => this.#move(input),
    DeleteSecret: (input) => {
      const { name, arn } = this.#secretOf(input);
      this.#byName.delete(name);
      return { Name: name, ARN: arn, DeletionDate: Date.now() / 1_000 };
    },
  };

  /** Sets what a secret holds, making it if there is none; the id of the new version. */
  set(name: string, text: string): string {
    const secret = this.#byName.get(name) ?? this.#make(name);
    return this.#add(secret, { text }, [CURRENT]);
  }

  setBinary(name: string, bytes: Buffer): string {
    return this.#add(this.#byName.get(name) ?? this.#make(name), { binary: bytes.toString('base64') }, [
      CURRENT,
    ]);
  }

  remove(name: string): void {
    this.#byName.delete(name);
  }

  #make(name: string): StoredSecret {
    const arn = `arn:aws:secretsmanager:eu-test-1:123456789012:secret:${name}-AbCdEf`;
    const secret = { name, arn, versions: new Map<string, Version>() };
    this.#byName.set(name, secret);
    return secret;
  }

  /** A label is on one version at a time, and what was current becomes the previous one. */
  #add(
    secret: StoredSecret,
    value: Pick<Version, 'text' | 'binary'>,
    stages: string[],
    id: string = randomUUID(),
  ): string {
    for (const stage of stages) this.#label(secret, stage, undefined);
    secret.versions.set(id, { ...value, stages, createdAt: Date.now() / 1_000 });
    return id;
  }

  #label(secret: StoredSecret, stage: string, to: string | undefined): void {
    for (const version of secret.versions.values()) {
      if (!version.stages.includes(stage)) continue;
      version.stages = version.stages.filter((label) => label !== stage);
      if (stage !== CURRENT) continue;
      for (const other of secret.versions.values())
        other.stages = other.stages.filter((label) => label !== PREVIOUS);
      version.stages.push(PREVIOUS);
    }
    if (to !== undefined) secret.versions.get(to)?.stages.push(stage);
  }

  #create(input: Input): object {
    const name = textOf(input, 'Name');
    if (name === undefined) throw new AwsFault('InvalidParameterException', 'Name is needed');
    if (this.#byName.has(name)) throw new AwsFault('ResourceExistsException', 'the secret exists');
    const secret = this.#make(name);
    return input['SecretString'] === undefined ? { ARN: secret.arn, Name: name } : this.#put(secret, input);
  }

  #put(secret: StoredSecret, input: Input): object {
    const { VersionStages: stages } = input;
    const text = textOf(input, 'SecretString');
    if (text === undefined) throw new AwsFault('InvalidParameterException', 'SecretString is needed');
    const labels = Array.isArray(stages) ? stages.map(String) : [CURRENT];
    const id = this.#add(secret, { text }, labels, textOf(input, 'ClientRequestToken'));
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: labels };
  }

  #get(input: Input): object {
    const secret = this.#secretOf(input);
    const wantedId = textOf(input, 'VersionId');
    const stage = textOf(input, 'VersionStage') ?? (wantedId === undefined ? CURRENT : undefined);
    const found = [...secret.versions].find(
      ([id, { stages }]) =>
        (wantedId === undefined || id === wantedId) && (stage === undefined || stages.includes(stage)),
    );
    if (!found)
      throw new AwsFault(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${stage === undefined ? 'VersionId' : `staging label: ${stage}`}`,
      );
    const [VersionId, { text, binary, stages, createdAt }] = found;
    const value = text === undefined ? { SecretBinary: binary } : { SecretString: text };
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId,
      VersionStages: stages,
      CreatedDate: createdAt,
      ...value,
    };
  }

  #move(input: Input): object {
    const secret = this.#secretOf(input);
    this.#label(secret, textOf(input, 'VersionStage') ?? CURRENT, textOf(input, 'MoveToVersionId'));
    return { ARN: secret.arn, Name: secret.name };
  }

  #secretOf(input: Input): StoredSecret {
    const id = textOf(input, 'SecretId');
    const secret = [...this.#byName.values()].find(({ name, arn }) => id === name || id === arn);
    if (!secret)
      throw new AwsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return secret;
  }
}
