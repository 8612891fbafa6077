import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule, TokenLookup } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import {
  CONFIG,
  Database,
  LOGGER,
  readConfigFile,
  type Clock,
  type ConfigFile,
  type ServiceDefinition,
} from '@lineclear/kit';
import { AuditLog } from './audit/audit-log.js';
import { ExpireEntries } from './audit/expire-entries.js';
import { ExportHeads } from './audit/export-heads.js';
import { VerifyLog } from './audit/verify-log.js';
import { readConfig, type Config } from './config.js';
import { AtRest } from './credentials/at-rest.js';
import { ChangeOwnPassword } from './credentials/change-own-password.js';
import { FindByToken } from './credentials/find-by-token.js';
import { GuessGate } from './credentials/guess-gate.js';
import { LastUsed } from './credentials/last-used.js';
import { LetIn } from './credentials/let-in.js';
import { LogIn } from './credentials/log-in.js';
import { ManageFactors } from './credentials/manage-factors.js';
import { ManageApiKeys } from './credentials/manage-api-keys.js';
import { ManageSessions } from './credentials/manage-sessions.js';
import { NoteDevice } from './credentials/note-device.js';
import { PasskeyLogin } from './credentials/passkey-login.js';
import { Passkeys } from './credentials/passkeys.js';
import { PasswordGate } from './credentials/password-gate.js';
import { Passwords } from './credentials/passwords.js';
import { PurgeExpired } from './credentials/purge-expired.js';
import { ResetPassword } from './credentials/reset-password.js';
import { SecondFactors } from './credentials/second-factors.js';
import { SecondStep } from './credentials/second-step.js';
import { AuditAnchorRow, AuditHeadRow, AuditLogRow } from './db/audit.entities.js';
import { ApiKey, KnownDevice, LoginFailure, Session } from './db/credential.entities.js';
import { AuthTables1767312000000 } from './db/migrations/1767312000000-auth-tables.js';
import { KeysAndSessions1795610000000 } from './db/migrations/1795610000000-keys-and-sessions.js';
import { ResourceRules1795620000000 } from './db/migrations/1795620000000-resource-rules.js';
import { PasswordResets1795630000000 } from './db/migrations/1795630000000-password-resets.js';
import { PasswordReset } from './db/password-reset.entity.js';
import { OrganizationsAndQuotas1795670000000 } from './db/migrations/1795670000000-organizations-and-quotas.js';
import { Organization, OrgMember, Team, TeamMember } from './db/org.entities.js';
import { Quota } from './db/quota.entity.js';
import { SecondFactors1795640000000 } from './db/migrations/1795640000000-second-factors.js';
import {
  LoginTicket,
  Passkey,
  PasskeyChallenge,
  RecoveryCode,
  TotpFactor,
} from './db/second-factor.entities.js';
import { AuditLog1795650000000 } from './db/migrations/1795650000000-audit-log.js';
import { ResourceRule, ResourceRuleLevel, ResourceRuleUser } from './db/resource-rule.entities.js';
import { unlockAtRest } from './credentials/unlock-at-rest.js';
import { AtRestKey } from './db/at-rest-key.entity.js';
import {
  ExternalIdentity,
  IdentityProviderRow,
  OidcLogout,
  OidcState,
} from './db/identity-provider.entities.js';
import { IdentityProviders1795600000000 } from './db/migrations/1795600000000-identity-providers.js';
import { LevelRow } from './db/level.entity.js';
import { Levels1795660000000 } from './db/migrations/1795660000000-levels.js';
import { PermissionOverride, User } from './db/user.entity.js';
import { AnswerDeciders } from './events/answer-deciders.js';
import { AnswerIntrospect } from './events/answer-introspect.js';
import { AnswerMailbox } from './events/answer-mailbox.js';
import { AnswerResetLink } from './events/answer-reset-link.js';
import { AppendToAuditLog } from './events/append-to-audit-log.js';
import { AdmitPerson } from './external/admit-person.js';
import { configuredProvider } from './external/configured-provider.js';
import { LdapDirectories } from './external/ldap-directories.js';
import { LdapLogin } from './external/ldap-login.js';
import { ManageProviders } from './external/manage-providers.js';
import { OidcClient } from './external/oidc-client.js';
import { OidcLogin } from './external/oidc-login.js';
import { ProviderLogout } from './external/provider-logout.js';
import { LOGINS, Providers, type Logins } from './external/providers.js';
import { ApiKeysController } from './http/api-keys.controller.js';
import { AuditController } from './http/audit.controller.js';
import { ChangePasswordController } from './http/change-password.controller.js';
import { FactorsController } from './http/factors.controller.js';
import { LdapController } from './http/ldap.controller.js';
import { LevelsController } from './http/levels.controller.js';
import { LevelRulesController } from './http/level-rules.controller.js';
import { LoginController } from './http/login.controller.js';
import { PasswordResetController } from './http/password-reset.controller.js';
import { PasskeysController } from './http/passkeys.controller.js';
import { SecondFactorLoginController } from './http/second-factor-login.controller.js';
import { SessionsController } from './http/sessions.controller.js';
import { ResourceRulesController } from './http/resource-rules.controller.js';
import { IdentityProvidersController } from './http/identity-providers.controller.js';
import { OidcController } from './http/oidc.controller.js';
import { SetupController } from './http/setup.controller.js';
import { UserApiKeysController } from './http/user-api-keys.controller.js';
import { UserFactorsController } from './http/user-factors.controller.js';
import { UserMetaController } from './http/user-meta.controller.js';
import { UserPermissionsController } from './http/user-permissions.controller.js';
import { UserSessionsController } from './http/user-sessions.controller.js';
import { UsersController } from './http/users.controller.js';
import { OrgMembersController } from './http/org-members.controller.js';
import { OrgQuotasController } from './http/org-quotas.controller.js';
import { OrgsController } from './http/orgs.controller.js';
import { QuotasController } from './http/quotas.controller.js';
import { TeamMembersController } from './http/team-members.controller.js';
import { TeamQuotasController } from './http/team-quotas.controller.js';
import { TeamsController } from './http/teams.controller.js';
import { InsideOrg } from './orgs/inside-org.js';
import { ManageMembers } from './orgs/manage-members.js';
import { ManageOrgs } from './orgs/manage-orgs.js';
import { ManageQuotas } from './orgs/manage-quotas.js';
import { ManageTeams } from './orgs/manage-teams.js';
import { Standings } from './orgs/standings.js';
import { FirstAdmin } from './people/first-admin.js';
import { InternalAccount } from './people/internal-account.js';
import { ManageLevels } from './people/manage-levels.js';
import { ManageResourceRules } from './people/manage-resource-rules.js';
import { ManageUsers } from './people/manage-users.js';

@Module({
  controllers: [
    AnswerIntrospect,
    AnswerResetLink,
    AnswerMailbox,
    AnswerDeciders,
    AppendToAuditLog,
    SetupController,
    LoginController,
    SecondFactorLoginController,
    FactorsController,
    PasskeysController,
    ChangePasswordController,
    PasswordResetController,
    ApiKeysController,
    SessionsController,
    UserMetaController,
    UsersController,
    UserPermissionsController,
    UserApiKeysController,
    UserSessionsController,
    UserFactorsController,
    ResourceRulesController,
    LevelsController,
    LevelRulesController,
    IdentityProvidersController,
    OidcController,
    LdapController,
    OrgsController,
    OrgMembersController,
    OrgQuotasController,
    TeamsController,
    TeamMembersController,
    TeamQuotasController,
    QuotasController,
    AuditController,
  ],
  providers: [
    { provide: AtRest, inject: [Database, CONFIG, LOGGER], useFactory: unlockAtRest },
    Passwords,
    GuessGate,
    PasswordGate,
    NoteDevice,
    LetIn,
    Passkeys,
    SecondFactors,
    SecondStep,
    PasskeyLogin,
    LogIn,
    ManageFactors,
    ChangeOwnPassword,
    ResetPassword,
    ManageApiKeys,
    ManageSessions,
    FirstAdmin,
    InternalAccount,
    ManageUsers,
    ManageLevels,
    ManageResourceRules,
    LastUsed,
    FindByToken,
    PurgeExpired,
    Providers,
    ManageProviders,
    OidcClient,
    OidcLogin,
    ProviderLogout,
    LdapDirectories,
    LdapLogin,
    AdmitPerson,
    InsideOrg,
    ManageOrgs,
    ManageTeams,
    ManageMembers,
    ManageQuotas,
    Standings,
    AuditLog,
    VerifyLog,
    ExportHeads,
    ExpireEntries,
  ],
  exports: [FindByToken],
})
class AuthModule {
  static of(file: ConfigFile): DynamicModule {
    const logins: Logins = {
      configured: configuredProvider(file),
      allowedOrigins: file.auth.allowed_origins,
    };
    return { module: AuthModule, providers: [{ provide: LOGINS, useValue: logins }] };
  }
}

/** The auth service, put together. */
export function define(
  env: NodeJS.ProcessEnv,
  more: { readonly clock?: Clock } = {},
): ServiceDefinition<Config> {
  const file = readConfigFile(env);
  const own = readConfig(env);
  const config: Config = { ...own, PUBLIC_URL: file.auth.public_url ?? own.PUBLIC_URL };
  // One object, so that the two who import it mean the same module.
  const auth = AuthModule.of(file);
  const access = AccessModule.of({
    imports: [auth],
    lookup: { provide: TokenLookup, useExisting: FindByToken },
    // Where the truth itself is at hand nothing is believed from before: a revoked key is refused with the next request.
    principalTtlSeconds: 0,
  });
  return {
    name: 'auth',
    config,
    modules: [BusModule.of('auth', config.NATS_URL), auth, access],
    entities: [
      ...busEntities,
      LevelRow,
      User,
      PermissionOverride,
      Session,
      ApiKey,
      LoginFailure,
      KnownDevice,
      AtRestKey,
      IdentityProviderRow,
      ExternalIdentity,
      OidcState,
      OidcLogout,
      ResourceRule,
      ResourceRuleLevel,
      ResourceRuleUser,
      PasswordReset,
      Organization,
      Team,
      OrgMember,
      TeamMember,
      Quota,
      TotpFactor,
      RecoveryCode,
      Passkey,
      PasskeyChallenge,
      LoginTicket,
      AuditLogRow,
      AuditHeadRow,
      AuditAnchorRow,
    ],
    migrations: [
      ...busMigrations,
      AuthTables1767312000000,
      IdentityProviders1795600000000,
      KeysAndSessions1795610000000,
      ResourceRules1795620000000,
      PasswordResets1795630000000,
      Levels1795660000000,
      OrganizationsAndQuotas1795670000000,
      SecondFactors1795640000000,
      AuditLog1795650000000,
    ],
    transports: busTransports,
    file,
    ...more,
  };
}
