export { ADVISORY_LOCKS } from './advisory-locks.js';
export { MAX_BODY_BYTES, TakesBytes, TakesForm } from './body.js';
export { Cached, cacheOf, type CachedCalls, type CachedOptions } from './cached.js';
export { addressGroup, clientAddress, isFromThisMachine, isLocalUrl, isLoopback } from './client-address.js';
export { Clock, SystemClock } from './clock.js';
export { ConfigError, flag, readEnv, serviceEnv, type ServiceConfig } from './config.js';
export { jobRetentionDays, jobsKeptSince } from './job-retention.js';
export { readConfigFile, parseConfig, type ConfigFile } from './config-file.js';
export {
  givesFiles,
  secretOfProvider,
  type ProviderConfig,
  type ProviderConfigOf,
  type ProviderType,
} from './provider-configs/index.js';
export { currentRequest, inWork, type RequestWork } from './context.js';
export {
  Database,
  LAZILY,
  isDatabaseAway,
  openDatabase,
  Queryable,
  Tx,
  type DatabaseOptions,
} from './database.js';
export { BadDotenv, formatDotenv, parseDotenv, type DotenvEntry } from './dotenv.js';
export {
  AppError,
  BadInput,
  Conflict,
  NotAllowed,
  NotAuthenticated,
  NotFound,
  Refused,
  TooLarge,
  TooMany,
  Unavailable,
  Unprocessable,
  type InputError,
} from './errors.js';
export {
  Health,
  withDeadline,
  type ComponentHealth,
  type HealthReport,
  type HealthStatus,
} from './health.js';
export { findMasterKey, findMasterKeys, masterKeyEnv } from './key-file.js';
export { HtmlPage } from './html-page.js';
export { createLogger, type Logger } from './logger.js';
export { Metrics } from './metrics.js';
export { oidcFields } from './oidc-fields.js';
export { ACCESS, Answers } from './openapi.js';
export { problemOf, type Problem } from './problem.js';
export { openRedis, RedisLine } from './redis.js';
export { isSealingKey, SealingKey, sealTo } from './seal.js';
export { Secret } from './secret.js';
export { runService, startService, type RunningService, type ServiceDefinition } from './service.js';
export { CONFIG, CONFIG_FILE, LOGGER, SERVICE_NAME } from './tokens.js';
export { currentTraceparent, inSpan, startTracing } from './tracing.js';
export { TtlCache, type CacheStats, type TtlCacheOptions } from './ttl-cache.js';
export { validate } from './validate.js';
