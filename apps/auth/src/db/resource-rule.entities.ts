import type { Level, ResourceRule as Rule, ResourceType } from '@lineclear/contracts';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { LevelRow } from './level.entity.js';
import { User } from './user.entity.js';

/** What jobs may take, or may not. */
@Entity('resource_rules')
@Index('resource_rules_name_lower', { synchronize: false })
export class ResourceRule {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'resource_rules_pk',
  })
  id: number;

  @Column('text')
  name: string;

  @Column('text')
  resource_type: ResourceType;

  @Column('text')
  pattern: string;

  @Column('text')
  action: Rule['action'];

  /** Which comes first in lists and explanations; it decides nothing. */
  @Column('integer')
  priority: number;

  @Column('text')
  description: string;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

/** A level that a rule is given to. */
@Entity('resource_rule_levels')
@Index('resource_rule_levels_level', ['level'])
export class ResourceRuleLevel {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'resource_rule_levels_pk' })
  rule_id: number;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'resource_rule_levels_pk' })
  level: Level;

  @ManyToOne(() => ResourceRule, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'rule_id', foreignKeyConstraintName: 'resource_rule_levels_rule_fk' })
  rule: ResourceRule;

  @ManyToOne(() => LevelRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'level', foreignKeyConstraintName: 'resource_rule_levels_level_fk' })
  given_level: LevelRow;
}

/** A single person that a rule is given to. */
@Entity('resource_rule_users')
@Index('resource_rule_users_user_id', ['user_id'])
export class ResourceRuleUser {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'resource_rule_users_pk' })
  rule_id: number;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'resource_rule_users_pk' })
  user_id: number;

  @ManyToOne(() => ResourceRule, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'rule_id', foreignKeyConstraintName: 'resource_rule_users_rule_fk' })
  rule: ResourceRule;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'resource_rule_users_user_fk' })
  user: User;
}
