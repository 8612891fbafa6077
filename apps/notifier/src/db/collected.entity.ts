import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { DeliveryRow } from './delivery.entity.js';

/** One event of several that a delivery tells of together. */
@Entity('collected')
@Index('collected_once', ['delivery_id', 'event_id'], { unique: true })
@Index('collected_event', ['event_id'])
export class CollectedRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'collected_pk',
  })
  id: number;

  @Column('uuid')
  @ForeignKey(() => DeliveryRow, { name: 'collected_delivery_fk', onDelete: 'CASCADE' })
  delivery_id: string;

  @Column('uuid')
  event_id: string;

  /** The message as JSON text. */
  @Column('text')
  body: string;
}
