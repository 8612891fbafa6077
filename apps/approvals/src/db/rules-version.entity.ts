import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Combine } from '../domain/rule-set.js';

/** One row: its number rises with every change of the rules, in the same transaction. */
@Entity('rules_version')
export class RulesVersionRow {
  @PrimaryColumn('boolean', { primaryKeyConstraintName: 'rules_version_pk' })
  only: boolean;

  @Column('bigint')
  version: number;

  /** Whether the first rule that holds a job decides alone. */
  @Column('text', { default: 'first' })
  combine: Combine;
}
