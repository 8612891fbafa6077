import { Controller } from '@nestjs/common';
import { resolveSecrets, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { OnRequest } from '@lineclear/bus';
import { Clock, Database, Metrics } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { noteAccess, type AskedFor } from '../db/access-log.repo.js';
import type { Asker } from '../domain/lookup.js';
import { SourceChain, type Resolved } from '../sources/source-chain.js';
import { requireSealable, sealValues } from './sealed-values.js';

type Behalf = RequestOf<typeof resolveSecrets>['for'];

/** The one way out for a value: sealed to the asker, noted before it leaves. */
@Controller()
export class ResolveSecrets {
  readonly #resolves: Counter<'source' | 'outcome'>;

  constructor(
    private readonly chain: SourceChain,
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
    const names = [...new Set(request.names)];
    requireSealable(request.public_key);
    const found = await this.#find(names, request.for);
    const missing = names.filter((name) => !found.has(name));
    // Sealed first, released last: without its line in the log no value leaves.
    const box = missing.length === 0 ? sealValues(request.public_key, found) : undefined;
    await this.#note(names, request.for, found, box !== undefined);
    return box ? { box, missing } : { missing };
  }

  async #find(names: readonly string[], behalf: Behalf): Promise<ReadonlyMap<string, Resolved>> {
    try {
      return await this.chain.find(names, askerOf(behalf));
    } catch (error) {
      this.#resolves.inc({ source: 'unknown', outcome: 'failed' }, names.length);
      throw error;
    }
  }

  async #note(
    names: readonly string[],
    behalf: Behalf,
    found: ReadonlyMap<string, Resolved>,
    released: boolean,
  ): Promise<void> {
    const lines = names.map((name) => {
      const { source = null, scope = null, version = null } = found.get(name) ?? {};
      return {
        name,
        source,
        scope,
        version,
        outcome:
          source === null ? ('missing' as const) : released ? ('released' as const) : ('withheld' as const),
      };
    });
    await noteAccess(this.database, this.clock.now(), askedFor(behalf), lines);
    for (const { source, outcome } of lines) this.#resolves.inc({ source: source ?? 'none', outcome });
  }
}

function askerOf(behalf: Behalf): Asker {
  switch (behalf.purpose) {
    case 'run':
      return { purpose: 'run', userId: behalf.user_id, teamId: behalf.team_id, orgId: behalf.org_id };
    case 'provider':
    case 'channel':
      return { purpose: behalf.purpose };
  }
}

/** NATS lets only these two services ask, each for its own purposes (deploy/nats). */
function askedFor(behalf: Behalf): AskedFor {
  switch (behalf.purpose) {
    case 'run':
      return {
        askedBy: 'job-poller',
        purpose: 'run',
        jobId: behalf.job_id,
        attempt: behalf.attempt,
        userId: behalf.user_id,
      };
    case 'provider':
      return { askedBy: 'job-poller', purpose: 'provider', provider: behalf.provider };
    case 'channel':
      return { askedBy: 'notifier', purpose: 'channel', channelId: behalf.channel_id };
  }
}
