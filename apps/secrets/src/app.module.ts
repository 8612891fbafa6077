import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import {
  Database,
  LOGGER,
  readConfigFile,
  SealingKey,
  type Clock,
  type Logger,
  type ServiceDefinition,
} from '@lineclear/kit';
import { readConfig, type Config } from './config.js';
import { AccessLogRow } from './db/access-log.entity.js';
import { KekRow, SealingKeyRow } from './db/keys.entity.js';
import { Secrets1767225610000 } from './db/migrations/1767225610000-secrets.js';
import { SecretRow, SecretVersionRow } from './db/secret.entity.js';
import { SecretsController } from './http/secrets.controller.js';
import { KeyRing } from './keys/key-ring.js';
import { loadSealingKey } from './keys/sealing-key.js';
import { unlock } from './keys/unlock.js';
import { KeepChannelSecrets } from './requests/keep-channel-secrets.js';
import { ResolveSecrets } from './requests/resolve-secrets.js';
import { EnvironmentSource } from './sources/environment-source.js';
import { OwnStore } from './sources/own-store.js';
import { SourceChain } from './sources/source-chain.js';

@Module({})
class SecretsModule {
  static of(config: Config, env: Readonly<NodeJS.ProcessEnv>): DynamicModule {
    const ring = {
      provide: KeyRing,
      inject: [Database, LOGGER],
      useFactory: (database: Database, log: Logger) => unlock(database, config, log),
    };
    const sealingKey = { provide: SealingKey, inject: [Database, KeyRing], useFactory: loadSealingKey };
    const chain = {
      provide: SourceChain,
      inject: [OwnStore],
      useFactory: (store: OwnStore) =>
        new SourceChain([new EnvironmentSource(env, config.LINECLEAR_SECRETS_ENV_PREFIX), store]),
    };
    return {
      module: SecretsModule,
      controllers: [SecretsController, ResolveSecrets, KeepChannelSecrets],
      providers: [ring, sealingKey, OwnStore, chain],
    };
  }
}

/** The secrets service, as its environment configures it. */
export function define(env: NodeJS.ProcessEnv, more: { clock?: Clock } = {}): ServiceDefinition<Config> {
  const config = readConfig(env);
  const file = readConfigFile(env, { without: ['oidc'] });
  return {
    name: 'secrets',
    config,
    modules: [
      BusModule.of('secrets', config.NATS_URL),
      AccessModule.of(),
      SecretsModule.of(config, { ...env }),
    ],
    entities: [...busEntities, KekRow, SealingKeyRow, SecretRow, SecretVersionRow, AccessLogRow],
    migrations: [...busMigrations, Secrets1767225610000],
    transports: busTransports,
    file,
    ...more,
  };
}
