export { dieWithParent, type Command } from './die-with-parent.js';
export { startDovecot, type Dovecot, type DovecotOptions } from './dovecot.js';
export { startNats, type NatsOptions } from './nats.js';
export {
  endLeftover,
  endProcess,
  isAlive,
  markOf,
  readPidFile,
  removePidFile,
  writePidFile,
} from './pid-file.js';
export type { PidFile, ProcessMark } from './pid-file.js';
export { freePort, isFree } from './ports.js';
export { startPostfix, type PostfixOptions } from './postfix.js';
export { startPostgres, type PostgresOptions } from './postgres.js';
export { randomPassword, startRedis, type RedisOptions } from './redis.js';
export { startSlapd, type Slapd, type SlapdOptions } from './slapd.js';
export type { Server, ServerExit, ServerOptions } from './server.js';
export { isReachableByAll, isRoot, makeScratchFolder } from './unprivileged.js';
export { pythonWithModule, type PythonWithModule } from './python-module.js';
export { findKubectl, type Kubectl } from './kubectl.js';
