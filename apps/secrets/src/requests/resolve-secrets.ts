import { Controller } from '@nestjs/common';
import { resolveSecrets, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { OnRequest } from '@lineclear/bus';
import { Clock, Database, Metrics, Refused } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { noteAccess, type AskedFor } from '../db/access-log.repo.js';
import { noteUse } from '../db/provider-credentials.repo.js';
import type { Resolved } from '../sources/source-chain.js';
import { GivenMeanwhile, GrantedSecrets, type Behalf, type Finding } from '../store/granted-secrets.js';
import { requireSealable, sealValues } from './sealed-values.js';

/** The one way out for a value: sealed to the asker, noted before it leaves. */
@Controller()
export class ResolveSecrets {
  readonly #resolves: Counter<'source' | 'outcome'>;

  constructor(
    private readonly granted: GrantedSecrets,
    private readonly database: Database,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.#resolves = new Counter({
      name: 'lineclear_secrets_resolves_total',
      help: 'Names that other services asked for, by where they were found and what became of them',
      labelNames: ['source', 'outcome'],
      registers: [metrics.registry],
    });
  }

  @OnRequest(resolveSecrets)
  async resolve(request: RequestOf<typeof resolveSecrets>): Promise<ReplyOf<typeof resolveSecrets>> {
    requireSealable(request.public_key);
    try {
      return await this.#resolve(request);
    } catch (error) {
      if (error instanceof GivenMeanwhile) return this.#resolve(request);
      throw error;
    }
  }

  async #resolve(request: RequestOf<typeof resolveSecrets>): Promise<ReplyOf<typeof resolveSecrets>> {
    const names = [...new Set(request.names)];
    const finding = await this.#find(names, request.for);
    const { found, refusal } = finding;
    const missing = names.filter((name) => !found.has(name));
    // Sealed first, released last: without its line in the log no value leaves.
    const asked = new Map([...found].filter(([name]) => names.includes(name)));
    const box = missing.length === 0 ? await sealValues(request.public_key, asked) : undefined;
    await this.#note(names, request.for, finding, box !== undefined);
    if (refusal) throw refusal;
    return box ? { box, missing, used: [...found].map(usedOne) } : { missing };
  }

  async #find(names: readonly string[], behalf: Behalf): Promise<Finding> {
    try {
      return await this.granted.find(names, behalf);
    } catch (error) {
      const isRefused = error instanceof Refused && error.code === 'not_granted';
      if (isRefused) {
        const lines = names.map((name) => ({ name, outcome: 'refused' as const, ...NOWHERE }));
        await noteAccess(this.database, this.clock.now(), askedFor(behalf), lines);
      }
      this.#resolves.inc({ source: 'unknown', outcome: isRefused ? 'refused' : 'failed' }, names.length);
      throw error;
    }
  }

  async #note(names: readonly string[], behalf: Behalf, finding: Finding, released: boolean): Promise<void> {
    // Also what templates refer to: its value leaves inside theirs.
    const lines = [...new Set([...names, ...finding.found.keys()])].map((name) => {
      const { source = null, scope = null, version = null } = finding.found.get(name) ?? {};
      return {
        name,
        source,
        scope,
        version,
        outcome:
          source === null ? ('missing' as const) : released ? ('released' as const) : ('withheld' as const),
      };
    });
    const now = this.clock.now();
    await this.database.tx(async (tx) => {
      if (released) await this.granted.keep(tx, finding);
      await noteAccess(tx, now, askedFor(behalf), lines);
      const own = lines.find(({ scope }) => scope?.startsWith('user:'))?.scope;
      if (released && own && behalf.purpose === 'provider') await noteUse(tx, own, names, now);
    });
    for (const { source, outcome } of lines) this.#resolves.inc({ source: source ?? 'none', outcome });
  }
}

const NOWHERE = { source: null, scope: null, version: null };

const usedOne = ([name, { scope, source, version }]: readonly [string, Resolved]) => ({
  name,
  scope,
  source,
  ...(version === null ? {} : { version }),
});

const jobOf = (job: { job_id: string; attempt: number; user_id: number }) => ({
  jobId: job.job_id,
  attempt: job.attempt,
  userId: job.user_id,
});

/** NATS lets only these two services ask, each for its own purposes (deploy/nats). */
function askedFor(behalf: Behalf): AskedFor {
  switch (behalf.purpose) {
    case 'run':
      return {
        askedBy: 'job-poller',
        purpose: 'run',
        ...jobOf(behalf),
      };
    case 'provider':
      return {
        askedBy: 'job-poller',
        purpose: 'provider',
        provider: behalf.provider,
        ...(behalf.on_behalf ? jobOf(behalf.on_behalf) : {}),
      };
    case 'channel':
      return { askedBy: 'notifier', purpose: 'channel', channelId: behalf.channel_id };
  }
}
