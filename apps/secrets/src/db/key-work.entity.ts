import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Wrapping or encrypting all values anew: how far it has come. */
@Entity('key_works')
export class KeyWorkRow {
  @PrimaryColumn('integer', {
    primaryKeyConstraintName: 'key_works_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: number;

  /** `rewrap` or `reencrypt`. */
  @Column('text')
  kind: string;

  @Column('timestamptz')
  started_at: Date;

  @Column('integer', { nullable: true })
  started_by: number | null;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;

  /** How many values there were when it began. */
  @Column('integer')
  total: number;

  @Column('integer', { default: 0 })
  done: number;

  /** How many did not open. */
  @Column('integer', { default: 0 })
  failed: number;

  /** The last value that is done. */
  @Column('uuid', { nullable: true })
  after_secret: string | null;

  @Column('integer', { nullable: true })
  after_version: number | null;
}
