import { Check, Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { Level } from '@lineclear/contracts';
import type { ConditionName } from '../domain/condition.js';
import type { RuleStage } from '../domain/rule-set.js';

@Entity('approval_rule')
@Check('approval_rule_one_threshold', 'threshold_number is null or threshold_text is null')
export class ApprovalRuleRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'int',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'approval_rule_pk',
  })
  id: number;

  @Column('text')
  name: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('text')
  condition: ConditionName;

  @Column('numeric', { precision: 14, scale: 4, nullable: true })
  threshold_number: number | null;

  @Column('text', { nullable: true })
  threshold_text: string | null;

  @Column('boolean')
  is_active: boolean;

  @Column('int')
  priority: number;

  @Column('text', { nullable: true })
  applies_to_provider: string | null;

  @Column('text', { nullable: true })
  applies_to_level: Level | null;

  @Column('int', { nullable: true })
  applies_to_org: number | null;

  @Column('int', { nullable: true })
  applies_to_team: number | null;

  @Column('text', { array: true })
  exempt_levels: Level[];

  @Column('text')
  required_approver_level: Level;

  @Column('jsonb', { default: [] })
  stages: RuleStage[];

  @Column('int', { default: 1 })
  rejections: number;

  @Column('int')
  created_by_id: number;

  @Column('text')
  created_by: string;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}
