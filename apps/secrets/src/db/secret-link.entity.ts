import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { SecretRow } from './secret.entity.js';

/** A link that gives one version of a secret to whoever opens it first. Its token is kept as a hash. */
@Entity('secret_links')
export class SecretLinkRow {
  @PrimaryColumn('integer', {
    primaryKeyConstraintName: 'secret_links_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: number;

  @Column('text')
  @Index('secret_links_token', { unique: true })
  token_sha256: string;

  @Column('uuid')
  @Index('secret_links_secret')
  @ForeignKey(() => SecretRow, { name: 'secret_links_secret_fk', onDelete: 'CASCADE' })
  secret_id: string;

  @Column('integer')
  version: number;

  @Column('integer')
  created_by: number;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  expires_at: Date;

  @Column('timestamptz', { nullable: true })
  opened_at: Date | null;
}
