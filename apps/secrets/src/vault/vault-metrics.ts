import type { Metrics } from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';

/** What is counted of Vault. The names are those that dashboards already know; no label tells anything of a value. */
export class VaultMetrics {
  readonly requests: Counter<'kind'>;
  readonly cacheHits: Counter<'kind'>;
  readonly renewalErrors: Counter<'of'>;
  readonly authFailures: Counter<'method'>;
  readonly revocations: Counter<'outcome'>;
  readonly ending: Counter;
  readonly #live: Gauge<'path'>;
  readonly #secondsToExpiry: Gauge<'path'>;

  constructor({ registry }: Pick<Metrics, 'registry'>) {
    const registers = [registry];
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
    this.ending = new Counter({
      name: 'vault_leases_ending_total',
      help: 'Leases that end before the job that has them, since they cannot be renewed any further',
      registers,
    });
    this.#live = new Gauge({
      name: 'secrets_leases_live',
      help: 'Leases of dynamic secrets that jobs have',
      labelNames: ['path'],
      registers,
    });
    this.#secondsToExpiry = new Gauge({
      name: 'secrets_lease_seconds_to_expiry',
      help: 'Seconds until the next lease of a dynamic secret ends, unless it is renewed',
      labelNames: ['path'],
      registers,
    });
  }

  /** Shows how many leases jobs have of each path, and how soon the next of them ends. */
  showLeases(paths: readonly { path: string; count: number; secondsToExpiry: number }[]): void {
    this.#live.reset();
    this.#secondsToExpiry.reset();
    for (const { path, count, secondsToExpiry } of paths) {
      this.#live.set({ path }, count);
      this.#secondsToExpiry.set({ path }, secondsToExpiry);
    }
  }
}
