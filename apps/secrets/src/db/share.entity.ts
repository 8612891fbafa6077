import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { SecretRow } from './secret.entity.js';

/** That somebody else may use a secret. It has no effect until they give it a name of theirs. */
@Entity('secret_shares')
@Index('secret_shares_secret', ['secret_id', 'receiver'], { unique: true })
@Index('secret_shares_receiver', ['receiver', 'id'])
export class SecretShareRow {
  @PrimaryColumn('integer', {
    primaryKeyConstraintName: 'secret_shares_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id: number;

  @Column('uuid')
  @ForeignKey(() => SecretRow, { name: 'secret_shares_secret_fk', onDelete: 'CASCADE' })
  secret_id: string;

  /** `user:<id>`, `team:<id>`, `org:<id>` or `everyone`. */
  @Column('text')
  receiver: string;

  /** `read` or `write`. */
  @Column('text')
  access: string;

  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('integer')
  created_by: number;
}

/** The name that a scope gives to a secret that is shared with it. */
@Entity('secret_aliases')
@Index('secret_aliases_share', ['share_id'])
export class SecretAliasRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'secret_aliases_pk' })
  scope: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'secret_aliases_pk' })
  name: string;

  @Column('integer')
  @ForeignKey(() => SecretShareRow, { name: 'secret_aliases_share_fk', onDelete: 'CASCADE' })
  share_id: number;

  @Column('timestamptz')
  created_at: Date;

  @Column('integer')
  created_by: number;
}
