import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One value that was taken in an emergency. It outlives the secret, so that a value that was seen stays known as seen. */
@Entity('glass_breaks')
@Index('glass_breaks_secret', ['scope', 'name'])
export class GlassBreakRow {
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'glass_breaks_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: string;

  @Column('text')
  scope: string;

  @Column('text')
  name: string;

  @Column('integer')
  version: number;

  /** Equal for equal values (HMAC): the same value under a new number is still the one that was seen. */
  @Column('bytea')
  fingerprint: Buffer;

  @Column('text')
  reason: string;

  @Column('integer')
  by_user: number;

  @Column('text')
  by_name: string;

  @Column('timestamptz')
  at: Date;

  /** After which the value that was seen is handed to nobody. */
  @Column('timestamptz')
  must_rotate_by: Date;

  @Column('timestamptz', { nullable: true })
  reviewed_at: Date | null;

  @Column('integer', { nullable: true })
  reviewed_by: number | null;

  @Column('text', { nullable: true })
  reviewer: string | null;

  @Column('text', { nullable: true })
  review_note: string | null;
}
