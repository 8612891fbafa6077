import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  Unique,
  type Relation,
} from 'typeorm';
import { User } from './user.entity.js';

/** A login. The row goes when it ends. */
@Entity('sessions')
@Unique('sessions_token_sha256_unique', ['token_sha256'])
@Index('sessions_user_id', ['user_id'])
@Index('sessions_expires_at', ['expires_at'])
@Index('sessions_provider', ['provider_id', 'provider_sid'])
export class Session {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'sessions_pk',
  })
  id: number;

  @Column('integer')
  user_id: number;

  @Column('text')
  token_sha256: string;

  @Column('text')
  csrf_sha256: string;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  expires_at: Date;

  @Column('timestamptz')
  last_seen_at: Date;

  @Column('text')
  address: string;

  @Column('text')
  user_agent: string;

  /** Which identity provider vouched for the person, and its name for its own session: it may end this one. */
  @Column('text', { nullable: true })
  provider_id: string | null;

  @Column('text', { nullable: true })
  provider_sid: string | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sessions_user_fk' })
  user: User;
}

/** A key for programs. The row stays when it is revoked or replaced. */
@Entity('api_keys')
@Unique('api_keys_token_sha256_unique', ['token_sha256'])
@Index('api_keys_user_id', ['user_id'])
export class ApiKey {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'api_keys_pk',
  })
  id: number;

  @Column('integer')
  user_id: number;

  @Column('text')
  name: string;

  /** The key's first characters, by which its owner knows it again. */
  @Column('text')
  key_prefix: string;

  @Column('text')
  token_sha256: string;

  /** null: all that its owner may do. */
  @Column('text', { array: true, nullable: true })
  scoped_permissions: string[] | null;

  /** The networks it may be used from; null: from anywhere. */
  @Column('text', { array: true, nullable: true })
  allowed_cidrs: string[] | null;

  /** Whose credential made it: for a service account's key a person; null for keys from before this was written down. */
  @Column('integer', { nullable: true })
  made_by: number | null;

  /** The key that was made in its place. */
  @Column('integer', { nullable: true })
  replaced_by: number | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  @Column('timestamptz', { nullable: true })
  last_used_at: Date | null;

  @Column('timestamptz', { nullable: true })
  revoked_at: Date | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'api_keys_user_fk' })
  user: User;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'made_by', foreignKeyConstraintName: 'api_keys_made_by_fk' })
  maker: User;

  @ManyToOne(() => ApiKey)
  @JoinColumn({ name: 'replaced_by', foreignKeyConstraintName: 'api_keys_replaced_by_fk' })
  replacement: Relation<ApiKey>;
}

/** Wrong passwords in a row, by account and by address: in the database, so that replicas count together. */
@Entity('login_failures')
@Index('login_failures_last_failure_at', ['last_failure_at'])
export class LoginFailure {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'login_failures_pk' })
  key: string;

  @Column('integer')
  failures: number;

  @Column('timestamptz')
  last_failure_at: Date;

  @Column('timestamptz', { nullable: true })
  blocked_until: Date | null;
}

/** What a person logged in with, and from where: a new one is worth telling. */
@Entity('known_devices')
export class KnownDevice {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'known_devices_pk' })
  user_id: number;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'known_devices_pk' })
  agent_family: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'known_devices_pk' })
  address_group: string;

  @Column('timestamptz')
  first_seen_at: Date;

  @Column('timestamptz')
  last_seen_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'known_devices_user_fk' })
  user: User;
}
