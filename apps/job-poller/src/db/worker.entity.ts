import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** A machine that comes for jobs itself. */
@Entity('workers')
@Unique('workers_token', ['token_sha256'])
@Index('workers_name', ['name'], { unique: true, where: 'removed_at is null' })
export class WorkerRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'workers_pk' })
  id: string;

  @Column('text')
  name: string;

  @Column('text')
  provider: string;

  @Column('text')
  token_sha256: string;

  /** Names of the hardware that it is, with `*` and `?`. */
  @Column('text', { array: true })
  hardware: string[];

  /** What its maker said of it. */
  @Column('json')
  labels: object;

  /** What it says of itself, where its maker said nothing. */
  @Column('json')
  own_labels: object;

  @Column('integer', { default: 1 })
  slots: number;

  @Column('text', { nullable: true })
  version: string | null;

  @Column('boolean', { default: false })
  draining: boolean;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  seen_at: Date | null;

  /** It said that it goes, and was not heard of since. */
  @Column('boolean', { default: false })
  has_left: boolean;

  /** Kept, so that it hears that it is to end. */
  @Column('timestamptz', { nullable: true })
  removed_at: Date | null;
}
