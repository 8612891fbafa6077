import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { KekRow } from './keys.entity.js';

/** A secret's name and whose it is. Its values are its versions. */
@Entity('secrets')
@Index('secrets_scope_name', ['scope', 'name'], { unique: true })
export class SecretRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'secrets_pk' })
  id: string;

  /** `global`, or `user:<id>`. */
  @Column('text', { default: 'global' })
  scope: string;

  @Column('text')
  name: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('integer')
  current_version: number;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

/** One value, encrypted with a data key of its own. */
@Entity('secret_versions')
export class SecretVersionRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'secret_versions_pk' })
  @ForeignKey(() => SecretRow, { name: 'secret_versions_secret_fk', onDelete: 'CASCADE' })
  secret_id: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'secret_versions_pk' })
  version: number;

  @Column('text')
  @ForeignKey(() => KekRow, { name: 'secret_versions_kek_fk' })
  kek_id: string;

  @Column('bytea')
  wrapped_key: Buffer;

  @Column('bytea')
  nonce: Buffer;

  @Column('bytea')
  ciphertext: Buffer;

  @Column('timestamptz')
  created_at: Date;

  /** The user who set it; null when another service did. */
  @Column('integer', { nullable: true })
  created_by: number | null;
}
