import { randomUUID } from 'node:crypto';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '@lineclear/kit';
import type { Bus } from '@lineclear/bus';
import { ownSettings } from '../domain/environment-variable.js';
import { SOURCES, type SourceName } from '../domain/lookup.js';
import { usesAws, type AwsConfig } from './aws-env.js';
import { AwsSecretsManagerSource } from './aws-secrets-manager.js';
import { CachedSource } from './cached-source.js';
import { EnvironmentSource } from './environment-source.js';
import { filePlaces } from './file-places.js';
import { FileSource } from './file-source.js';
import type { SourceMetrics } from './source-metrics.js';
import type { SecretSource } from './source.js';
import type { SourcesConfig } from './sources-env.js';
import type { VaultNames } from '../vault/vault-names.js';

export type OutsideConfig = SourcesConfig &
  AwsConfig & { readonly LINECLEAR_SECRETS_ENV_PREFIX?: string | undefined };

/** The sources beside the own store: those that are configured, and the caches of those that are far away. */
export class OutsideSources implements OnApplicationShutdown {
  readonly sources: readonly SecretSource[];
  /** Undefined when it is left out, or has nowhere to be. */
  readonly file: FileSource | undefined;
  /** Why those are not there that are not. */
  readonly absent: Readonly<Partial<Record<SourceName, string>>> = {
    file: 'not configured: LINECLEAR_SECRETS_FILE is not set, and there is no home folder',
    aws: 'not configured: set LINECLEAR_AWS_SECRET_NAME',
    vault: 'not configured: set VAULT_ADDR',
  };
  /** Those that remember something: each by its own rules. */
  readonly #caches: readonly (SecretSource & { clear(): void })[];
  readonly #aws: AwsSecretsManagerSource | undefined;
  readonly #bus: Bus;
  readonly #subject: string;
  /** Whose word it is: our own comes back to us, and by then something fresh may be remembered. */
  readonly #sender = randomUUID();
  readonly #clears: { unsubscribe(): void };

  constructor(
    config: OutsideConfig,
    env: Readonly<NodeJS.ProcessEnv>,
    {
      clock,
      metrics,
      bus,
      vault,
    }: { clock: Clock; metrics: SourceMetrics; bus: Bus; vault?: VaultNames | undefined },
  ) {
    const isWanted = (source: SourceName): boolean => config.LINECLEAR_SECRETS_SOURCES.includes(source);
    const isSetting = ownSettings({ usesAws: usesAws(config) });
    const environment = new EnvironmentSource(env, config.LINECLEAR_SECRETS_ENV_PREFIX, isSetting);
    const places = filePlaces({
      file: config.LINECLEAR_SECRETS_FILE,
      houseFolder: config.LINECLEAR_HOME,
      homeFolder: config.HOME,
    });
    if (places && isWanted('file'))
      this.file = new FileSource(places, clock, config.LINECLEAR_SECRETS_FILE_CHECK_SECONDS);
    const secretIds = config.LINECLEAR_AWS_SECRET_NAME;
    if (secretIds && isWanted('aws')) this.#aws = new AwsSecretsManagerSource(secretIds, config, clock);
    const policy = {
      ttlSeconds: config.LINECLEAR_SECRETS_CACHE_SECONDS,
      missTtlSeconds: config.LINECLEAR_SECRETS_CACHE_MISS_SECONDS,
      staleSeconds: config.LINECLEAR_SECRETS_CACHE_STALE_SECONDS,
      maxEntries: config.LINECLEAR_SECRETS_CACHE_ENTRIES,
    };
    this.#caches = [
      this.#aws && new CachedSource(this.#aws, policy, clock, metrics),
      // It remembers whole secrets of Vault, not names.
      isWanted('vault') ? vault : undefined,
    ].filter((source) => source !== undefined);
    const near = [
      isWanted('environment') ? environment : undefined,
      this.file && counted(this.file, metrics),
    ];
    this.sources = [...near.filter((source) => source !== undefined), ...this.#caches];
    this.#bus = bus;
    this.#subject = `poke.${bus.service}.source-caches`;
    this.#clears = bus.connection.subscribe(this.#subject, {
      callback: (_, message) => {
        if (message.string() !== this.#sender) this.#clear();
      },
    });
  }

  /** Forgets what is remembered of sources far away, here and in the other replicas that are reached right now. */
  clearEverywhere(): SourceName[] {
    this.#clear();
    if (!this.#bus.connection.isClosed()) this.#bus.connection.publish(this.#subject, this.#sender);
    return SOURCES.filter((name) => this.#caches.some((cache) => cache.name === name));
  }

  async onApplicationShutdown(): Promise<void> {
    this.#clears.unsubscribe();
    await this.#aws?.close();
  }

  #clear(): void {
    for (const cache of this.#caches) cache.clear();
  }
}

/** A file that is refused should be seen in the metrics as well as in its error. */
const counted = (source: SecretSource, metrics: SourceMetrics): SecretSource => ({
  name: source.name,
  find: (scope, names) => metrics.counting(source, scope, names),
  presence: (scope, name) => source.presence(scope, name),
});
