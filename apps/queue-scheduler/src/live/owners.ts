import type { Owner } from '@lineclear/access';
import { TtlCache, type Clock, type Database } from '@lineclear/kit';
import type { VisibleEvent } from './visible-event.js';

const TTL_MS = 3_600_000;
const MAX_ENTRIES = 20_000;

/** Whose jobs events are about. Many do not say; it never changes. */
export class Owners {
  readonly #known: TtlCache<Owner>;

  constructor(
    private readonly database: Database,
    clock: Clock,
  ) {
    this.#known = new TtlCache({ clock, ttlMs: TTL_MS, maxEntries: MAX_ENTRIES });
  }

  /** The owners by job; one that there is no more is left out. @throws when the database cannot be asked. */
  async of(events: readonly VisibleEvent[]): Promise<ReadonlyMap<string, Owner>> {
    const owners = new Map<string, Owner>();
    for (const { jobId, owner } of events) {
      if (owner) this.#known.set(jobId, owner);
      const known = owner ?? this.#known.get(jobId);
      if (known) owners.set(jobId, known);
    }
    const unknown = [...new Set(events.map(({ jobId }) => jobId))].filter((id) => !owners.has(id));
    if (unknown.length === 0) return owners;
    const rows = await this.database.query<Owner & { id: string }>(
      'select id, user_id as "userId", org_id as "orgId" from jobs where id = any($1::text[])',
      [unknown],
    );
    for (const { id, ...owner } of rows) {
      this.#known.set(id, owner);
      owners.set(id, owner);
    }
    return owners;
  }
}
