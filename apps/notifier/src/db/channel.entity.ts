import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { ChannelType, ChatSettings, EmailSettings, WebhookSettings } from '../domain/channel.js';

/** A way to reach people. Its secret is in the secrets service; here is only that there is one. */
@Entity('channel')
export class ChannelRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'channel_pk',
  })
  id: number;

  @Column('text')
  channel_type: ChannelType;

  @Column('text')
  name: string;

  @Column('boolean')
  is_enabled: boolean;

  /** Why we ourselves switched it off. */
  @Column('text', { nullable: true })
  disabled_reason: string | null;

  /** When it was switched off, by whomever. */
  @Column('timestamptz', { nullable: true })
  disabled_at: Date | null;

  @Column('jsonb')
  settings: WebhookSettings | EmailSettings | ChatSettings;

  @Column('boolean')
  has_secret: boolean;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated_at: Date;
}
