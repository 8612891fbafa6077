import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { Bus, busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import {
  Clock,
  Database,
  LOGGER,
  Metrics,
  readConfigFile,
  RedisLine,
  SealingKey,
  type ConfigFile,
  type Logger,
  type ServiceDefinition,
} from '@lineclear/kit';
import { readConfig, type Config } from './config.js';
import { AccessLogRow } from './db/access-log.entity.js';
import { GlassBreakRow } from './db/glass-break.entity.js';
import { ClaimRow, GrantRow } from './db/grant.entity.js';
import { KeyWorkRow } from './db/key-work.entity.js';
import { KekRow, KeptKeyRow } from './db/keys.entity.js';
import { Secrets1767225610000 } from './db/migrations/1767225610000-secrets.js';
import { VersionsAndKeys1795680000000 } from './db/migrations/1795680000000-versions-and-keys.js';
import { Links1795681000000 } from './db/migrations/1795681000000-links.js';
import { ProviderCredentials1795690000000 } from './db/migrations/1795690000000-provider-credentials.js';
import { Templates1795692000000 } from './db/migrations/1795692000000-templates.js';
import { ApprovalsOfSecrets1795710000000 } from './db/migrations/1795710000000-approvals-of-secrets.js';
import { BreakGlass1795710500000 } from './db/migrations/1795710500000-break-glass.js';
import { VaultLeases1795720000000 } from './db/migrations/1795720000000-vault-leases.js';
import { EndedGrants1795780000000 } from './db/migrations/1795780000000-ended-grants.js';
import { Shares1795740000000 } from './db/migrations/1795740000000-shares.js';
import { ProviderCredentialRow, ProviderPolicyRow } from './db/provider-credential.entity.js';
import { SecretLinkRow } from './db/secret-link.entity.js';
import { SecretChangeRow, SecretRow, SecretVersionRow } from './db/secret.entity.js';
import { SecretAliasRow, SecretShareRow } from './db/share.entity.js';
import { VaultLeaseRow, VaultSessionRow } from './db/vault-lease.entity.js';
import { Fingerprints } from './domain/fingerprint.js';
import { FollowJobs } from './events/follow-jobs.js';
import { BreakGlassController } from './http/break-glass.controller.js';
import { CacheController } from './http/cache.controller.js';
import { CredentialsController } from './http/credentials.controller.js';
import { ImportController } from './http/import.controller.js';
import { KeysController } from './http/keys.controller.js';
import { LinksController } from './http/links.controller.js';
import { PoliciesController } from './http/policies.controller.js';
import { HoldersController, ProvenanceController } from './http/provenance.controller.js';
import { RestoreController } from './http/restore.controller.js';
import { RevealController } from './http/reveal.controller.js';
import { SecretsController } from './http/secrets.controller.js';
import { SharesController } from './http/shares.controller.js';
import { VerifyController } from './http/verify.controller.js';
import { VersionsController } from './http/versions.controller.js';
import { KEEP_HOUSE, KeepHouse } from './jobs/keep-house.js';
import { KeepLeases } from './jobs/keep-leases.js';
import { AwsKms } from './keys/aws-kms.js';
import { loadFingerprints, loadSealingKey } from './keys/kept-keys.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyWorks } from './keys/key-works.js';
import { unlock } from './keys/unlock.js';
import { VerifyValues } from './keys/verify-values.js';
import { CheckCredential } from './providers/check-credential.js';
import { KeyedProviders } from './providers/keyed-providers.js';
import { OwnCredentials } from './providers/own-credentials.js';
import { AnswerDemands } from './requests/answer-demands.js';
import { KeepChannelSecrets } from './requests/keep-channel-secrets.js';
import { ResolveSecrets } from './requests/resolve-secrets.js';
import { ScanTexts } from './requests/scan-texts.js';
import { KeepInFile } from './sources/keep-in-file.js';
import { OutsideSources } from './sources/outside-sources.js';
import { OwnStore } from './sources/own-store.js';
import { SourceChain } from './sources/source-chain.js';
import { SourceMetrics } from './sources/source-metrics.js';
import { ChangeSecrets } from './store/change-secrets.js';
import { Claims } from './store/claims.js';
import { GlassBreaks } from './store/glass-breaks.js';
import { GrantedSecrets } from './store/granted-secrets.js';
import { ImportSecrets } from './store/import-secrets.js';
import { KnownSecrets } from './store/known-secrets.js';
import { OneTimeLinks } from './store/one-time-links.js';
import { RenameSecret } from './store/rename-secret.js';
import { RestoreFolder } from './store/restore-folder.js';
import { SecretSettings } from './store/secret-settings.js';
import { Shares } from './store/shares.js';
import { LeaseSessions } from './vault/lease-sessions.js';
import { OpenVault } from './vault/open-vault.js';
import { vaultNames } from './vault/vault-names.js';

/** What is outside: the providers of the configuration file, and other addresses to ask them at whose a credential is. */
interface Outer {
  readonly providers: ConfigFile['providers'];
  readonly whoamiUrls: Readonly<Record<string, string>>;
}

@Module({})
class SecretsModule {
  static of(config: Config, env: Readonly<NodeJS.ProcessEnv>, outer: Outer): DynamicModule {
    const ring = {
      provide: KeyRing,
      inject: [Database, LOGGER, Clock, OpenVault],
      useFactory: (database: Database, log: Logger, clock: Clock, { vault }: OpenVault) =>
        unlock(
          database,
          config,
          log,
          config.LINECLEAR_KMS_KEY === undefined
            ? vault?.transit
            : new AwsKms(config.LINECLEAR_KMS_KEY, config, clock),
        ),
    };
    const vault = {
      provide: OpenVault,
      inject: [Clock, LOGGER, Metrics],
      useFactory: async (clock: Clock, log: Logger, metrics: Metrics) =>
        new OpenVault(await OpenVault.by(config, { clock, log, metrics })),
    };
    const sealingKey = { provide: SealingKey, inject: [Database, KeyRing], useFactory: loadSealingKey };
    const fingerprints = { provide: Fingerprints, inject: [Database, KeyRing], useFactory: loadFingerprints };
    const line = new RedisLine(config.REDIS_URL);
    const leases = {
      provide: KeepLeases,
      inject: [OpenVault, Database, KeyRing, Bus, Clock, LOGGER],
      useFactory: (
        { vault: opened }: OpenVault,
        database: Database,
        keys: KeyRing,
        bus: Bus,
        clock: Clock,
        log: Logger,
      ) => {
        if (!opened) return new KeepLeases(undefined);
        const sessions = new LeaseSessions(opened, database, keys, clock, log);
        return new KeepLeases({ vault: opened, sessions, database, ring: keys, bus, clock, log });
      },
    };
    const outside = {
      provide: OutsideSources,
      inject: [Clock, Metrics, Bus, KeepLeases],
      useFactory: (clock: Clock, metrics: Metrics, bus: Bus, keepLeases: KeepLeases) =>
        new OutsideSources(config, env, {
          clock,
          metrics: new SourceMetrics(metrics),
          bus,
          vault: vaultNames(keepLeases),
        }),
    };
    const chain = {
      provide: SourceChain,
      inject: [OwnStore, OutsideSources],
      useFactory: (store: OwnStore, { sources, absent }: OutsideSources) =>
        new SourceChain([...sources, store], config.LINECLEAR_SECRETS_SOURCES, absent),
    };
    return {
      module: SecretsModule,
      imports: [
        BullModule.forRootAsync({ useFactory: () => line.bullOptions('secrets') }),
        BullModule.registerQueue({ name: KEEP_HOUSE }),
      ],
      controllers: [
        SecretsController,
        VersionsController,
        RestoreController,
        RevealController,
        BreakGlassController,
        LinksController,
        ImportController,
        VerifyController,
        KeysController,
        CacheController,
        PoliciesController,
        ProvenanceController,
        HoldersController,
        SharesController,
        FollowJobs,
        CredentialsController,
        ResolveSecrets,
        KeepChannelSecrets,
        ScanTexts,
        AnswerDemands,
      ],
      providers: [
        vault,
        ring,
        sealingKey,
        fingerprints,
        { provide: RedisLine, useValue: line },
        OwnStore,
        KeepInFile,
        leases,
        outside,
        chain,
        ChangeSecrets,
        SecretSettings,
        Shares,
        RenameSecret,
        GlassBreaks,
        GrantedSecrets,
        Claims,
        { provide: KeyedProviders, useValue: new KeyedProviders(outer.providers) },
        { provide: CheckCredential, useFactory: () => new CheckCredential(outer.whoamiUrls) },
        OwnCredentials,
        RestoreFolder,
        OneTimeLinks,
        ImportSecrets,
        KnownSecrets,
        KeyWorks,
        VerifyValues,
        KeepHouse,
      ],
    };
  }
}

/** The secrets service, as its environment configures it. */
export function define(
  env: NodeJS.ProcessEnv,
  { whoamiUrls = {}, ...more }: { clock?: Clock; whoamiUrls?: Outer['whoamiUrls'] } = {},
): ServiceDefinition<Config> {
  const config = readConfig(env);
  const file = readConfigFile(env, { without: ['oidc'] });
  return {
    name: 'secrets',
    config,
    modules: [
      BusModule.of('secrets', config.NATS_URL),
      AccessModule.of(),
      SecretsModule.of(config, { ...env }, { providers: file.providers, whoamiUrls }),
    ],
    entities: [
      ...busEntities,
      KekRow,
      KeptKeyRow,
      KeyWorkRow,
      SecretRow,
      SecretVersionRow,
      SecretChangeRow,
      SecretLinkRow,
      SecretShareRow,
      SecretAliasRow,
      AccessLogRow,
      GrantRow,
      ClaimRow,
      GlassBreakRow,
      ProviderPolicyRow,
      ProviderCredentialRow,
      VaultSessionRow,
      VaultLeaseRow,
    ],
    migrations: [
      ...busMigrations,
      Secrets1767225610000,
      VersionsAndKeys1795680000000,
      Links1795681000000,
      ProviderCredentials1795690000000,
      Templates1795692000000,
      ApprovalsOfSecrets1795710000000,
      BreakGlass1795710500000,
      VaultLeases1795720000000,
      Shares1795740000000,
      EndedGrants1795780000000,
    ],
    transports: busTransports,
    file,
    ...more,
  };
}
