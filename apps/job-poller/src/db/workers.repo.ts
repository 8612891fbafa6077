import { Injectable } from '@nestjs/common';
import type { Queryable } from '@lineclear/kit';

export type Labels = Readonly<Record<string, string>>;

export interface Worker {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly tokenSha256: string;
  readonly hardware: readonly string[];
  readonly labels: Labels;
  readonly ownLabels: Labels;
  readonly slots: number;
  readonly version: string | null;
  readonly isDraining: boolean;
  readonly createdAt: Date;
  readonly seenAt: Date | null;
  /** How long ago that was, by the database's clock. */
  readonly silentMs: number | null;
  /** It said that it goes. */
  readonly hasLeft: boolean;
  readonly isRemoved: boolean;
}

export type NewWorker = Pick<Worker, 'id' | 'name' | 'provider' | 'tokenSha256' | 'hardware' | 'labels'>;

/** What a worker says of itself when it begins. */
export type Introduction = Pick<Worker, 'ownLabels' | 'slots'> & {
  readonly version: string;
  /** Leases of what it has from before. */
  readonly held: readonly string[];
};

const WORKER = `w.id, w.name, w.provider, w.token_sha256 as "tokenSha256", w.hardware, w.labels, w.own_labels as "ownLabels", w.slots, w.version, w.draining as "isDraining",
  w.created_at as "createdAt", w.seen_at as "seenAt", (extract(epoch from now() - w.seen_at) * 1000)::float8 as "silentMs", w.has_left as "hasLeft", w.removed_at is not null as "isRemoved"`;

/** All statements about workers. When they were heard of is by the database's clock, which all replicas share. */
@Injectable()
export class WorkersRepo {
  /** Makes a worker; false where another has its name. */
  async insert(
    tx: Queryable,
    { id, name, provider, tokenSha256, hardware, labels }: NewWorker,
  ): Promise<boolean> {
    const rows = await tx.query(
      `insert into workers (id, name, provider, token_sha256, hardware, labels, own_labels) values ($1, $2, $3, $4, $5, $6, '{}')
       on conflict do nothing returning 1`,
      [id, name, provider, tokenSha256, hardware, JSON.stringify(labels)],
    );
    return rows.length > 0;
  }

  async ofToken(db: Queryable, tokenSha256: string): Promise<Worker | undefined> {
    const [worker] = await db.query<Worker>(`select ${WORKER} from workers w where token_sha256 = $1`, [
      tokenSha256,
    ]);
    return worker;
  }

  /** Keeps others from handing something to the worker, or changing it, until the transaction ends. */
  async lock(tx: Queryable, id: string): Promise<Worker | undefined> {
    const [worker] = await tx.query<Worker>(
      `select ${WORKER} from workers w where id = $1 and removed_at is null for update`,
      [id],
    );
    return worker;
  }

  /** All of them in the order of their names, each with the jobs that it has. */
  async all(db: Queryable): Promise<(Worker & { readonly jobs: readonly string[] })[]> {
    return db.query(
      `select ${WORKER}, array(select t.job_id from worker_tasks t where t.worker_id = w.id and t.state in ('taken', 'running')
               order by t.created_at) as jobs
         from workers w where removed_at is null order by w.name`,
    );
  }

  async introduce(tx: Queryable, id: string, { ownLabels, slots, version }: Introduction): Promise<void> {
    await tx.query(
      'update workers set own_labels = $2, slots = $3, version = $4, seen_at = now(), has_left = false where id = $1',
      [id, JSON.stringify(ownLabels), slots, version],
    );
  }

  /** It was heard of now; where it said that it goes, it counts as away at once. */
  async seen(db: Queryable, id: string, isLeaving: boolean): Promise<void> {
    await db.query('update workers set seen_at = now(), has_left = $2 where id = $1', [id, isLeaving]);
  }

  async setDraining(tx: Queryable, id: string, isDraining: boolean): Promise<void> {
    await tx.query('update workers set draining = $2 where id = $1', [id, isDraining]);
  }

  async setToken(tx: Queryable, id: string, tokenSha256: string): Promise<void> {
    await tx.query('update workers set token_sha256 = $2 where id = $1', [id, tokenSha256]);
  }

  async remove(tx: Queryable, id: string): Promise<void> {
    await tx.query('update workers set removed_at = now() where id = $1', [id]);
  }
}
