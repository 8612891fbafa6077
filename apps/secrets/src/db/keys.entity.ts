import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A key-encryption key that rows here are wrapped with, itself wrapped by a root key. */
@Entity('kek')
@Index('kek_version', ['version'], { unique: true })
export class KekRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'kek_pk' })
  id: string;

  /** The newest one wraps. */
  @Column('integer')
  version: number;

  /** Null for a key from before keys were random, until the first start since. */
  @Column('text', { nullable: true })
  root_id: string | null;

  @Column('bytea', { nullable: true })
  wrapped: Buffer | null;

  /** How a key from before keys were random is recognised. */
  @Column('bytea', { nullable: true })
  check_value: Buffer | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** A key of the service's own, encrypted like a secret. */
@Entity('sealing_keys')
export class KeptKeyRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'sealing_keys_pk' })
  id: string;

  @Column('text')
  @ForeignKey(() => KekRow, { name: 'sealing_keys_kek_fk' })
  kek_id: string;

  @Column('bytea')
  wrapped_key: Buffer;

  @Column('bytea')
  nonce: Buffer;

  @Column('bytea')
  ciphertext: Buffer;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
