import type { Level } from '@lineclear/contracts';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import type { LevelMapping } from '../domain/level-mapping.js';
import { LevelRow } from './level.entity.js';
import { User } from './user.entity.js';

/** Somebody outside who vouches for people. Those of the configuration file are not here. */
@Entity('identity_providers')
@Unique('identity_providers_name_unique', ['name'])
export class IdentityProviderRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'identity_providers_pk' })
  id: string;

  @Column('text')
  name: string;

  @Column('text')
  type: 'oidc' | 'ldap';

  @Column('boolean')
  enabled: boolean;

  @Column('boolean', { default: true })
  auto_create_users: boolean;

  @Column('text')
  default_level: Level;

  @Column('jsonb')
  level_mapping: LevelMapping;

  /** Everything but the secret. */
  @Column('jsonb')
  config: object;

  /** An OIDC client's secret, or the password of the account that searches a directory. */
  @Column('bytea', { nullable: true })
  sealed_secret: Buffer | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;

  @ManyToOne(() => LevelRow)
  @JoinColumn({ name: 'default_level', foreignKeyConstraintName: 'identity_providers_default_level_fk' })
  given_level: LevelRow;
}

/** Who somebody is at a provider. */
@Entity('external_identities')
@Index('external_identities_user_id', ['user_id'])
export class ExternalIdentity {
  /** Also of providers of the configuration file, which have no row. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'external_identities_pk' })
  provider_id: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'external_identities_pk' })
  subject: string;

  @Column('integer')
  user_id: number;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  last_login_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'external_identities_user_fk' })
  user: User;
}

/** A login that was begun in a browser and is to come back from the provider. */
@Entity('oidc_states')
@Index('oidc_states_expires_at', ['expires_at'])
export class OidcState {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'oidc_states_pk' })
  state_sha256: string;

  @Column('text')
  provider_id: string;

  /** Of the cookie of the browser in which it was begun. */
  @Column('text')
  browser_sha256: string;

  @Column('text')
  nonce: string;

  @Column('bytea')
  sealed_verifier: Buffer;

  @Column('text')
  redirect_uri: string;

  @Column('text', { nullable: true })
  return_to: string | null;

  @Column('timestamptz')
  expires_at: Date;
}

/** A logout that a provider told of: each is taken once. */
@Entity('oidc_logouts')
@Index('oidc_logouts_expires_at', ['expires_at'])
export class OidcLogout {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'oidc_logouts_pk' })
  provider_id: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'oidc_logouts_pk' })
  jti: string;

  @Column('timestamptz')
  expires_at: Date;
}
