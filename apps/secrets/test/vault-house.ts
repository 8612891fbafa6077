import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Clock, readEnv } from '@lineclear/kit';
import { startFakeVault, type FakeVault, type FakeVaultOptions } from '@lineclear/testkit';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { openVault, type Vault } from '../src/vault/open-vault.js';
import { Timer } from '../src/vault/timer.js';
import { vaultEnv, vaultSettings } from '../src/vault/vault-env.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A clock with its timers, whose time passes when a test says so. */
export class ManualTime extends Timer {
  nowMs = Date.parse('2026-03-01T00:00:00Z');
  readonly #due: { atMs: number; ring: () => Promise<void> }[] = [];
  readonly clock = new (class extends Clock {
    constructor(private readonly time: ManualTime) {
      super();
    }
    override now(): Date {
      return new Date(this.time.nowMs);
    }
  })(this);

  override after(ms: number, ring: () => Promise<void>): () => void {
    const entry = { atMs: this.nowMs + ms, ring };
    this.#due.push(entry);
    return () => {
      const at = this.#due.indexOf(entry);
      if (at >= 0) this.#due.splice(at, 1);
    };
  }

  /** Lets time pass; whatever falls due in it has been done when this is over. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.#due.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#due.splice(this.#due.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      await next.ring();
    }
    this.nowMs = untilMs;
  }

  get waiting(): number {
    return this.#due.length;
  }
}

export interface VaultHouse {
  readonly fake: FakeVault;
  readonly time: ManualTime;
  /** Everything that was logged, errors with all that they carry. */
  readonly logs: string[];
  /** How long was waited between tries, in ms. */
  readonly pauses: number[];
  readonly open: (env?: Record<string, string>, more?: { random?: () => number }) => Promise<Vault>;
  readonly metric: (name: string, labels?: Record<string, string>) => Promise<number>;
  /** A file that holds this text, for as long as the tests run. */
  readonly file: (text: string) => Promise<string>;
}

/** A Vault of its own for one test, in a time of its own. With no other login the token of the environment is root's. */
export async function vaultHouse(options: Omit<FakeVaultOptions, 'nowMs'> = {}): Promise<VaultHouse> {
  const time = new ManualTime();
  const fake = await startFakeVault({ ...options, nowMs: () => time.nowMs });
  onTestFinished(() => fake.close());
  const logs: string[] = [];
  const pauses: number[] = [];
  const registry = new Registry();
  const write = (...args: unknown[]): void => void logs.push(inspect(args, { depth: 10, showHidden: true }));

  return {
    fake,
    time,
    logs,
    pauses,
    async open(env = {}, { random = () => 0 } = {}) {
      const given = {
        VAULT_ADDR: fake.url,
        ...(hasLogin(env) ? {} : { VAULT_TOKEN: fake.rootToken }),
        ...env,
      };
      const settings = vaultSettings(readEnv(z.object(vaultEnv), given));
      if (!settings) throw new Error('there is no Vault in this environment');
      registry.clear();
      const log = { info: write, warn: write, error: write };
      const vault = await openVault(
        settings,
        { clock: time.clock, log, metrics: { registry } },
        { timer: time, random, pause: async (ms) => void pauses.push(ms) },
      );
      onTestFinished(() => vault.close());
      return vault;
    },
    async metric(name, labels = {}) {
      const { values = [] } = (await registry.getSingleMetric(name)?.get()) ?? {};
      return values
        .filter(({ labels: its }) =>
          Object.entries(labels).every(([key, value]) => (its as Record<string, unknown>)[key] === value),
        )
        .reduce((sum, { value }) => sum + value, 0);
    },
    async file(text) {
      const path = join(await mkdtemp(join(tmpdir(), 'lineclear-vault-')), 'file');
      await writeFile(path, text, { mode: 0o600 });
      return path;
    },
  };
}

const hasLogin = (env: Record<string, string>): boolean =>
  ['VAULT_TOKEN', 'VAULT_TOKEN_FILE', 'VAULT_ROLE', 'LINECLEAR_VAULT_ROLE_ID'].some((name) => name in env);
