import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { SecretRow } from './secret.entity.js';

/** On whose credential jobs of a provider run; a provider without a row has the default. */
@Entity('provider_policies')
export class ProviderPolicyRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'provider_policies_pk' })
  provider: string;

  @Column('text')
  policy: string;

  @Column('timestamptz')
  updated_at: Date;

  @Column('integer')
  updated_by: number;
}

/** A person's own credential of a provider. Its value is a secret of theirs. */
@Entity('provider_credentials')
@Index('provider_credentials_secret', ['secret_id', 'provider'], { unique: true })
@Index('provider_credentials_user', ['user_id'])
export class ProviderCredentialRow {
  @PrimaryColumn('integer', {
    primaryKeyConstraintName: 'provider_credentials_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: number;

  @Column('integer')
  user_id: number;

  @Column('text')
  provider: string;

  @Column('uuid')
  @ForeignKey(() => SecretRow, { name: 'provider_credentials_secret_fk', onDelete: 'CASCADE' })
  secret_id: string;

  @Column('timestamptz')
  created_at: Date;

  /** The version before the last rotation: runs that were submitted with it go on with it. */
  @Column('integer', { nullable: true })
  previous_version: number | null;

  /** `valid` or `refused`, of the version in `checked_version`. */
  @Column('text', { nullable: true })
  checked: string | null;

  @Column('integer', { nullable: true })
  checked_version: number | null;

  @Column('timestamptz', { nullable: true })
  checked_at: Date | null;

  @Column('timestamptz', { nullable: true })
  last_used_at: Date | null;
}
