import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One row: its number rises with every change of the rules, in the same transaction. */
@Entity('rules_version')
export class RulesVersionRow {
  @PrimaryColumn('boolean', { primaryKeyConstraintName: 'rules_version_pk' })
  only: boolean;

  @Column('bigint')
  version: number;
}
