import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigError,
  flag,
  jobRetentionDays,
  readConfigFile,
  readEnv,
  serviceEnv,
  type ConfigFile,
} from '@lineclear/kit';
import { z } from 'zod';

const seconds = (least: number, most: number, usual: number) =>
  z.coerce.number().min(least).max(most).default(usual);

const ownEnv = z.object({
  /** Lets jobs run as processes of this machine. Off unless the configuration file has a provider of type `local`. */
  LINECLEAR_LOCAL_PROVIDER: flag.default(false),
  LINECLEAR_HOME: z.string().max(1_000).optional(),
  /** Where local runs have their folders. */
  LINECLEAR_RUNS_DIR: z.string().max(1_000).optional(),
  /** How long a local run that was asked to stop is left alone. */
  LINECLEAR_STOP_GRACE_SECONDS: seconds(0.1, 3_600, 10),
  /** How long any one call to a provider may take. */
  LINECLEAR_PROVIDER_TIMEOUT_SECONDS: seconds(0.1, 300, 20),
  /** How long after a submit without an answer "there is no such run" is believed. */
  LINECLEAR_SUBMIT_SETTLE_SECONDS: seconds(0.1, 3_600, 30),
  /** How long a run must be missing at its provider, at three looks or more, to be lost. */
  LINECLEAR_LOST_AFTER_SECONDS: seconds(0.1, 86_400, 600),
  /** How long nothing may be heard of a run. */
  LINECLEAR_MAX_SILENCE_SECONDS: seconds(1, 30 * 86_400, 86_400),
  /** How long a step's run belongs to this process when it stops saying so: others take it over after that. */
  LINECLEAR_LEASE_SECONDS: seconds(0.5, 300, 15),
  /** How often a worker says that it is there. */
  LINECLEAR_WORKER_HEARTBEAT_SECONDS: seconds(0.1, 600, 30),
  /** A worker that was not heard of for so long is away. */
  LINECLEAR_WORKER_OFFLINE_SECONDS: seconds(0.2, 86_400, 120),
  /** How long a worker that asks for a task is kept waiting for one. Less than the gateway waits for an answer. */
  LINECLEAR_WORKER_POLL_SECONDS: seconds(0, 25, 20),
  LINECLEAR_JOB_RETENTION_DAYS: jobRetentionDays,
  PATH: z.string().max(32_768).default('/usr/local/bin:/usr/bin:/bin'),
  LANG: z.string().max(100).default('C.UTF-8'),
});

export type Config = Readonly<z.infer<typeof ownEnv> & z.infer<typeof serviceEnv>> & {
  readonly runsDir: string;
  readonly file: ConfigFile;
};

/** Everything this service is told from outside: its environment and the configuration file. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const own = readEnv(serviceEnv.extend(ownEnv.shape), env);
  // A call begins at the latest half a lease after its intent and then takes as long as it may: only after that can "no such run" be final.
  const leastSettle = own.LINECLEAR_LEASE_SECONDS / 2 + own.LINECLEAR_PROVIDER_TIMEOUT_SECONDS;
  if (own.LINECLEAR_SUBMIT_SETTLE_SECONDS <= leastSettle)
    throw new ConfigError(
      `the environment is not right:\n  LINECLEAR_SUBMIT_SETTLE_SECONDS: must be more than half of LINECLEAR_LEASE_SECONDS and LINECLEAR_PROVIDER_TIMEOUT_SECONDS together, ${leastSettle}`,
    );
  if (own.LINECLEAR_WORKER_OFFLINE_SECONDS < 2 * own.LINECLEAR_WORKER_HEARTBEAT_SECONDS)
    throw new ConfigError(
      'the environment is not right:\n  LINECLEAR_WORKER_OFFLINE_SECONDS: must be at least twice LINECLEAR_WORKER_HEARTBEAT_SECONDS',
    );
  const home = own.LINECLEAR_HOME ?? join(homedir(), '.lineclear');
  return Object.freeze({
    ...own,
    runsDir: own.LINECLEAR_RUNS_DIR ?? join(home, 'runs'),
    file: readConfigFile(env, { without: ['oidc'] }),
  });
}
