import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { KekRow } from './keys.entity.js';

/** A login of the house to Vault that no process ends: leases made with its token live on through a restart. */
@Entity('vault_sessions')
@Index('vault_sessions_current', ['is_current'], { unique: true, where: 'is_current' })
export class VaultSessionRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'vault_sessions_pk' })
  id: string;

  @Column('text')
  @ForeignKey(() => KekRow, { name: 'vault_sessions_kek_fk' })
  kek_id: string;

  @Column('bytea')
  wrapped_key: Buffer;

  @Column('bytea')
  nonce: Buffer;

  /** The token. */
  @Column('bytea')
  ciphertext: Buffer;

  @Column('timestamptz')
  started_at: Date;

  /** Null for one that does not end. */
  @Column('timestamptz', { nullable: true })
  ends_at: Date | null;

  @Column('bigint')
  grace_ms: number;

  @Column('boolean')
  renewable: boolean;

  /** When it is to be renewed or given back; while somebody is at it, when another may take it up. */
  @Column('timestamptz', { nullable: true })
  next_at: Date | null;

  @Column('integer', { default: 0 })
  failures: number;

  /** New leases are made with it. Of the others each stays until its last lease is gone. */
  @Column('boolean')
  is_current: boolean;
}

/** Credentials that Vault made for an attempt of a job. */
@Entity('vault_leases')
@Index('vault_leases_current', ['job_id', 'attempt', 'path'], { unique: true, where: 'is_current' })
@Index('vault_leases_job', ['job_id'])
@Index('vault_leases_next', ['next_at'])
@Index('vault_leases_session', ['session_id'])
export class VaultLeaseRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'vault_leases_pk' })
  id: string;

  @Column('text')
  job_id: string;

  @Column('integer')
  attempt: number;

  @Column('text')
  path: string;

  /** Null where it was made with a token that was given. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => VaultSessionRow, { name: 'vault_leases_session_fk' })
  session_id: string | null;

  @Column('text')
  lease_id: string;

  @Column('text')
  @ForeignKey(() => KekRow, { name: 'vault_leases_kek_fk' })
  kek_id: string;

  @Column('bytea')
  wrapped_key: Buffer;

  @Column('bytea')
  nonce: Buffer;

  /** Its values, as JSON. */
  @Column('bytea')
  ciphertext: Buffer;

  @Column('timestamptz')
  issued_at: Date;

  @Column('bigint')
  ttl_ms: number;

  @Column('bigint')
  grace_ms: number;

  @Column('boolean')
  renewable: boolean;

  @Column('timestamptz')
  ends_at: Date;

  /** When there is something to do for it; while somebody is at it, when another may take it up. */
  @Column('timestamptz')
  next_at: Date;

  @Column('integer', { default: 0 })
  failures: number;

  /** Since when it is known to end before its job: whoever asks again gets another one. */
  @Column('timestamptz', { nullable: true })
  told_at: Date | null;

  /** Since when nobody may use it any more: it is to be given back. */
  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;

  /** Whoever asks for the attempt and path gets this one. */
  @Column('boolean')
  is_current: boolean;
}
