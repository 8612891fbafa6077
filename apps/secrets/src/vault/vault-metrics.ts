import type { Metrics } from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';

/** What is counted of Vault. The names are those that dashboards already know; no label tells anything of a value. */
export class VaultMetrics {
  readonly requests: Counter<'kind'>;
  readonly cacheHits: Counter<'kind'>;
  readonly renewalErrors: Counter<'of'>;
  readonly authFailures: Counter<'method'>;
  readonly revocations: Counter<'outcome'>;
  readonly #registers: Metrics['registry'][];

  constructor({ registry }: Pick<Metrics, 'registry'>) {
    this.#registers = [registry];
    const registers = this.#registers;
    this.requests = new Counter({
      name: 'vault_secret_requests_total',
      help: 'Secrets of Vault that were asked for, static (key-value) and dynamic (with a lease)',
      labelNames: ['kind'],
      registers,
    });
    this.cacheHits = new Counter({
      name: 'vault_secret_cache_hits_total',
      help: 'Of these the ones that were answered without asking Vault',
      labelNames: ['kind'],
      registers,
    });
    this.renewalErrors = new Counter({
      name: 'vault_lease_renewal_errors_total',
      help: 'Failed tries to renew or replace a lease, or the token itself',
      labelNames: ['of'],
      registers,
    });
    this.authFailures = new Counter({
      name: 'vault_auth_failures_total',
      help: 'Failed logins to Vault',
      labelNames: ['method'],
      registers,
    });
    this.revocations = new Counter({
      name: 'vault_lease_revocations_total',
      help: 'Leases that were given back, by what Vault said to that',
      labelNames: ['outcome'],
      registers,
    });
  }

  /** Shows the seconds that each lease still has, as `secondsByPath` tells them when it is looked at. */
  watchLeases(secondsByPath: () => ReadonlyMap<string, number>): void {
    new Gauge({
      name: 'secrets_lease_seconds_to_expiry',
      help: 'Seconds until the lease of a dynamic secret ends, unless it is renewed',
      labelNames: ['path'],
      registers: this.#registers,
      collect() {
        this.reset();
        for (const [path, seconds] of secondsByPath()) this.set({ path }, seconds);
      },
    });
  }
}
