/**
 * The numbers of the session locks that the libs take in each service's own database: any will do, as long as every
 * replica takes the same one and no two purposes share it.
 */
export const ADVISORY_LOCKS = {
  /** Held while a replica brings the tables up to date. */
  migration: 727_274,
  /** Held by the replica that carries the outbox to the stream. */
  relay: 727_275,
} as const;
