import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule, TokenLookup } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { readConfig, type Config } from './config.js';
import { ChangeOwnPassword } from './credentials/change-own-password.js';
import { FindByToken } from './credentials/find-by-token.js';
import { LastUsed } from './credentials/last-used.js';
import { LogIn } from './credentials/log-in.js';
import { ManageApiKeys } from './credentials/manage-api-keys.js';
import { ManageSessions } from './credentials/manage-sessions.js';
import { NoteDevice } from './credentials/note-device.js';
import { PasswordGate } from './credentials/password-gate.js';
import { Passwords } from './credentials/passwords.js';
import { PurgeExpired } from './credentials/purge-expired.js';
import { ApiKey, KnownDevice, LoginFailure, Session } from './db/credential.entities.js';
import { AuthTables1767312000000 } from './db/migrations/1767312000000-auth-tables.js';
import { KeysAndSessions1795610000000 } from './db/migrations/1795610000000-keys-and-sessions.js';
import { PermissionOverride, User } from './db/user.entity.js';
import { AnswerIntrospect } from './events/answer-introspect.js';
import { ApiKeysController } from './http/api-keys.controller.js';
import { ChangePasswordController } from './http/change-password.controller.js';
import { LoginController } from './http/login.controller.js';
import { SessionsController } from './http/sessions.controller.js';
import { SetupController } from './http/setup.controller.js';
import { UserApiKeysController } from './http/user-api-keys.controller.js';
import { UserMetaController } from './http/user-meta.controller.js';
import { UserPermissionsController } from './http/user-permissions.controller.js';
import { UserSessionsController } from './http/user-sessions.controller.js';
import { UsersController } from './http/users.controller.js';
import { FirstAdmin } from './people/first-admin.js';
import { ManageUsers } from './people/manage-users.js';

@Module({
  controllers: [
    AnswerIntrospect,
    SetupController,
    LoginController,
    ChangePasswordController,
    ApiKeysController,
    SessionsController,
    UserMetaController,
    UsersController,
    UserPermissionsController,
    UserApiKeysController,
    UserSessionsController,
  ],
  providers: [
    Passwords,
    PasswordGate,
    NoteDevice,
    LogIn,
    ChangeOwnPassword,
    ManageApiKeys,
    ManageSessions,
    FirstAdmin,
    ManageUsers,
    LastUsed,
    FindByToken,
    PurgeExpired,
  ],
  exports: [FindByToken],
})
class AuthModule {}

// One object, so that the two who import it mean the same module.
const auth: DynamicModule = { module: AuthModule };

/** The auth service, put together. */
export function define(
  env: NodeJS.ProcessEnv,
  more: { readonly clock?: Clock } = {},
): ServiceDefinition<Config> {
  const config = readConfig(env);
  const file = readConfigFile(env);
  const access = AccessModule.of({
    bypassPaths: file.auth.bypass_paths,
    imports: [auth],
    lookup: { provide: TokenLookup, useExisting: FindByToken },
    // Where the truth itself is at hand nothing is believed from before: a revoked key is refused with the next request.
    principalTtlSeconds: 0,
  });
  return {
    name: 'auth',
    config,
    modules: [BusModule.of('auth', config.NATS_URL), auth, access],
    entities: [...busEntities, User, PermissionOverride, Session, ApiKey, LoginFailure, KnownDevice],
    migrations: [...busMigrations, AuthTables1767312000000, KeysAndSessions1795610000000],
    transports: busTransports,
    network: file.network,
    ...more,
  };
}
