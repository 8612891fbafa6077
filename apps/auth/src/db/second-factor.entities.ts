import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  Unique,
} from 'typeorm';
import { User } from './user.entity.js';

/** A person's authenticator app. */
@Entity('totp_factors')
@Index('totp_factors_expires_at', ['expires_at'])
export class TotpFactor {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'totp_factors_pk' })
  user_id: number;

  @Column('bytea')
  sealed_secret: Buffer;

  /** null until the app has shown its first code; before that it counts for nothing. */
  @Column('timestamptz', { nullable: true })
  confirmed_at: Date | null;

  /** By when it must have; null when it has. */
  @Column('timestamptz', { nullable: true })
  expires_at: Date | null;

  /** The step of the last code that was taken: neither it nor one before it is taken again. */
  @Column('bigint', { nullable: true })
  last_step: number | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'totp_factors_user_fk' })
  user: User;
}

/** A code that gets a person in once when their factor is lost. The row goes when it is used. */
@Entity('recovery_codes')
export class RecoveryCode {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'recovery_codes_pk' })
  user_id: number;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'recovery_codes_pk' })
  code_sha256: string;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'recovery_codes_user_fk' })
  user: User;
}

/** A WebAuthn credential. Its public key proves a signature and makes none. */
@Entity('passkeys')
@Unique('passkeys_credential_id_unique', ['credential_id'])
@Index('passkeys_user_id', ['user_id'])
export class Passkey {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'passkeys_pk',
  })
  id: number;

  @Column('integer')
  user_id: number;

  @Column('text')
  name: string;

  /** The authenticator's own name for it, in base64url. */
  @Column('text')
  credential_id: string;

  @Column('bytea')
  public_key: Buffer;

  /** How often it has signed, as it says itself; many always say 0. */
  @Column('bigint')
  counter: number;

  /** How a browser reaches it: `usb`, `internal`, … */
  @Column('text', { array: true })
  transports: string[];

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  last_used_at: Date | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'passkeys_user_fk' })
  user: User;
}

/** What a passkey was asked to sign. The row goes with the answer. */
@Entity('passkey_challenges')
@Index('passkey_challenges_expires_at', ['expires_at'])
export class PasskeyChallenge {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'passkey_challenges_pk' })
  challenge_sha256: string;

  /** Who may add a passkey with it; null when it is for showing one. */
  @Column('integer', { nullable: true })
  user_id: number | null;

  @Column('timestamptz')
  expires_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'passkey_challenges_user_fk' })
  user: User;
}

/** A login whose password was right and that waits for the second factor. The row goes when it comes. */
@Entity('login_tickets')
@Index('login_tickets_expires_at', ['expires_at'])
export class LoginTicket {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'login_tickets_pk' })
  ticket_sha256: string;

  @Column('integer')
  user_id: number;

  /** Of the password's hash that was compared: with a new password the ticket is void. */
  @Column('text')
  password_sha256: string;

  @Column('boolean')
  remember_me: boolean;

  @Column('integer', { default: 0 })
  attempts: number;

  @Column('timestamptz')
  expires_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'login_tickets_user_fk' })
  user: User;
}
