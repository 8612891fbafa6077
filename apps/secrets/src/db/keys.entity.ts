import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** A key-encryption key that rows here are wrapped with: how to recognise it, never the key. */
@Entity('kek')
export class KekRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'kek_pk' })
  id: string;

  @Column('bytea')
  check_value: Buffer;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** The service's own private key, encrypted like a secret. */
@Entity('sealing_keys')
export class SealingKeyRow {
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
