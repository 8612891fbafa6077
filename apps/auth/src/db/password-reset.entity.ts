import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { User } from './user.entity.js';

/** Somebody asked for a link to set a new password. The row goes when it was used, or will not be any more. */
@Entity('password_resets')
@Unique('password_resets_token_sha256_unique', ['token_sha256'])
@Index('password_resets_user_id', ['user_id'])
@Index('password_resets_expires_at', ['expires_at'])
export class PasswordReset {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'password_resets_pk' })
  id: string;

  /** null: the name that was asked with gets no mail; there is a row all the same, so that asking costs the same. */
  @Column('integer', { nullable: true })
  user_id: number | null;

  /** Of the link that was made last; null until the mailer asks for one. */
  @Column('text', { nullable: true })
  token_sha256: string | null;

  /** How many links were made. */
  @Column('integer')
  links: number;

  @Column('timestamptz')
  expires_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'password_resets_user_fk' })
  user: User;
}
