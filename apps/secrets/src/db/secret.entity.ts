import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { KekRow } from './keys.entity.js';

/** A secret's name and whose it is. Its values are its versions. */
@Entity('secrets')
@Index('secrets_scope_name', ['scope', 'name'], { unique: true })
export class SecretRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'secrets_pk' })
  id: string;

  /** `global`, `user:<id>`, `team:<id>` or `org:<id>`. */
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

  /** Removed, and to be had back until it is purged. */
  @Column('timestamptz', { nullable: true })
  deleted_at: Date | null;

  /** After which the current value is handed to nobody. */
  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  /** Whoever approves a job that it is given to has to reach this level; null where it takes no approval. */
  @Column('text', { nullable: true })
  approval_level: string | null;

  /** The current value was taken in an emergency: after this it is handed to nobody. */
  @Column('timestamptz', { nullable: true })
  must_rotate_by: Date | null;

  /** When people are to be reminded of that; null once they were. */
  @Column('timestamptz', { nullable: true })
  rotate_warn_at: Date | null;

  /** The end of which people were told. */
  @Column('timestamptz', { nullable: true })
  told_expiring: Date | null;

  /** The version of whose age people were told. */
  @Column('integer', { nullable: true })
  told_stale: number | null;
}

/** What became of a secret, for its history and for going back to a moment. */
@Entity('secret_changes')
@Index('secret_changes_secret', ['secret_id', 'id'])
export class SecretChangeRow {
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'secret_changes_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: string;

  @Column('uuid')
  @ForeignKey(() => SecretRow, { name: 'secret_changes_secret_fk', onDelete: 'CASCADE' })
  secret_id: string;

  @Column('timestamptz')
  at: Date;

  /** `set`, `removed` or `undeleted`. */
  @Column('text')
  kind: string;

  /** The version that was current then. */
  @Column('integer')
  version: number;

  /** The version whose value was taken up again. */
  @Column('integer', { nullable: true })
  of_version: number | null;

  @Column('integer', { nullable: true })
  by_user: number | null;
}

/** One value, encrypted with a data key of its own. */
@Entity('secret_versions')
@Index('secret_versions_kek', ['kek_id'])
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

  /** Whether `${NAME}` in it stands for the value of another secret. */
  @Column('boolean', { default: false })
  is_template: boolean;

  /** Equal for equal values (HMAC); null for values from before there were fingerprints. */
  @Column('bytea', { nullable: true })
  fingerprint: Buffer | null;

  @Column('timestamptz')
  created_at: Date;

  /** The user who set it; null when another service did. */
  @Column('integer', { nullable: true })
  created_by: number | null;
}
