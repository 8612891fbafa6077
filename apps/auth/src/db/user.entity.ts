import type { Level } from '@lineclear/contracts';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { UserKind } from '../domain/service-account.js';
import { LevelRow } from './level.entity.js';

/** A person, or an account for programs. Rows stay for good: jobs, approvals and the audit log name people by id. */
@Entity('users')
@Index('users_username_lower', { synchronize: false })
@Index('users_email_lower', { synchronize: false })
@Index('users_level', ['level'])
export class User {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'users_pk',
  })
  id: number;

  @Column('text')
  username: string;

  /** null for a service account that was given none. */
  @Column('text', { nullable: true })
  email: string | null;

  @Column('text')
  display_name: string;

  @Column('text')
  level: Level;

  @Column('text', { default: 'person' })
  kind: UserKind;

  @Column('boolean', { default: true })
  is_active: boolean;

  /** argon2id in PHC form; null for people who have no password yet and cannot log in with one. */
  @Column('text', { nullable: true })
  password_hash: string | null;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  last_login_at: Date | null;

  @ManyToOne(() => LevelRow)
  @JoinColumn({ name: 'level', foreignKeyConstraintName: 'users_level_fk' })
  held_level: LevelRow;
}

/** A permission given to or taken from one person, beside the level's. */
@Entity('permission_overrides')
export class PermissionOverride {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'permission_overrides_pk' })
  user_id: number;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'permission_overrides_pk' })
  permission: string;

  @Column('boolean')
  granted: boolean;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'permission_overrides_user_fk' })
  user: User;
}
