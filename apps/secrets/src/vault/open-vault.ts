import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ConfigError, isLocalUrl, type Metrics } from '@lineclear/kit';
import { VaultKv } from './kv.js';
import { appRoleLogin, kubernetesLogin, tokenLogin, type LoginMethod } from './login.js';
import { SystemTimer } from './timer.js';
import { VaultTransit } from './transit.js';
import { VaultClient, type VaultParts } from './vault-client.js';
import { vaultSettings, type VaultAuth, type VaultEnv, type VaultSettings } from './vault-env.js';
import { VaultHttp, type VaultHttpOptions } from './vault-http.js';
import { VaultMetrics } from './vault-metrics.js';
import { VaultSource } from './vault-source.js';

/** All that is used of one Vault. */
export interface Vault {
  readonly source: VaultSource;
  readonly client: VaultClient;
  readonly kv: VaultKv;
  readonly mount: string;
  /** Names whose values are made for each attempt of a job. */
  readonly dynamic: VaultSettings['dynamic'];
  readonly timeoutMs: number;
  readonly metrics: VaultMetrics;
  /** Where LINECLEAR_VAULT_TRANSIT_KEY names a key. */
  readonly transit: VaultTransit | undefined;
  /** Revokes the token when it came from a login. What jobs have was made with another one, and stays. */
  close(): Promise<void>;
}

/** The house's Vault, where one is configured; it ends with the service. */
export class OpenVault implements OnApplicationShutdown {
  constructor(readonly vault: Vault | undefined) {}

  /** The Vault that the environment names. @throws ConfigError */
  static async by(config: VaultEnv, given: Given): Promise<Vault | undefined> {
    const settings = vaultSettings(config);
    return settings && openVault(settings, given);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.vault?.close();
  }
}

type Given = Pick<VaultParts, 'clock' | 'log'> & { readonly metrics: Pick<Metrics, 'registry'> };
type Replaceable = Partial<Pick<VaultParts, 'timer' | 'random'> & Pick<VaultHttpOptions, 'pause'>>;

/** Makes ready to use Vault; it is first spoken to when something is asked for, so that a boot does not wait for it. @throws ConfigError when VAULT_CACERT cannot be read. */
export async function openVault(
  settings: VaultSettings,
  given: Given,
  more: Replaceable = {},
): Promise<Vault> {
  const { address, namespace, timeoutMs, mount, path, elsewhere, cacheMs, staleMs } = settings;
  const { clock, log } = given;
  const { timer = new SystemTimer(), random = Math.random } = more;
  const ca = settings.caPath === undefined ? undefined : await readCertificates(settings.caPath);
  if (address.startsWith('http:') && !isLocalUrl(new URL(address)))
    log.warn({ address }, 'VAULT_ADDR is not https: tokens and secrets travel in clear');
  const metrics = new VaultMetrics(given.metrics);
  const parts: VaultParts = { clock, timer, random, metrics, log };
  const waits = more.pause ?? (async (ms: number) => pause(ms));
  const http = new VaultHttp({ address, namespace, ca, timeoutMs, pause: waits, random });
  const client = new VaultClient(http, methodOf(settings.auth), parts);
  const kv = new VaultKv(client, settings.kvVersion);
  return {
    source: new VaultSource({ kv, mount, path, elsewhere, cacheMs, staleMs, clock, metrics }),
    client,
    kv,
    mount,
    dynamic: settings.dynamic,
    timeoutMs,
    metrics,
    transit: settings.transit && new VaultTransit(client, settings.transit.mount, settings.transit.key),
    close: () => client.close(),
  };
}

function methodOf(auth: VaultAuth): LoginMethod {
  switch (auth.method) {
    case 'token':
      return tokenLogin(auth.token);
    case 'kubernetes':
      return kubernetesLogin(auth.mount, auth.role, auth.jwt);
    case 'approle':
      return appRoleLogin(auth.mount, auth.roleId, auth.secretId);
  }
}

async function readCertificates(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`VAULT_CACERT names ${path}, which cannot be read`, { cause });
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new ConfigError(`VAULT_CACERT names ${path}, which holds no certificate (PEM)`);
  return text;
}
