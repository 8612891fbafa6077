import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How to recognise the key that sealed columns here are sealed with; never the key. */
@Entity('at_rest_key')
export class AtRestKey {
  /** There is one. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'at_rest_key_pk' })
  id: number;

  @Column('bytea')
  check_value: Buffer;
}
