import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { hash, verify } from '@node-rs/argon2';
import { Counter } from 'prom-client';
import { normalPassword, passwordFault, type PasswordOwner } from '../domain/password-rules.js';
import { readCommonPasswords } from './common-passwords.js';

// argon2id (the library's default) as OWASP advises: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** What may be a password, and the slow hash of it, which runs on libuv's threads and never inside of a transaction. */
@Injectable()
export class Passwords implements OnModuleInit {
  readonly #checks: Counter;
  #decoy = '';
  #common: Promise<ReadonlySet<string>> | undefined;

  constructor(metrics: Metrics) {
    this.#checks = new Counter({
      name: 'lineclear_auth_password_checks_total',
      help: 'Passwords that were hashed to be compared, by outcome',
      labelNames: ['outcome'],
      registers: [metrics.registry],
    });
  }

  async onModuleInit(): Promise<void> {
    this.#decoy = await this.hash(randomBytes(32).toString('base64url'));
  }

  /** Why this will not do as a new password of this person; undefined when it will. */
  async fault(password: string, person: PasswordOwner): Promise<string | undefined> {
    this.#common ??= readCommonPasswords();
    return passwordFault(password, person, await this.#common);
  }

  async hash(password: string): Promise<string> {
    return hash(normalPassword(password), COST);
  }

  /** Where there is no hash to compare with, a decoy is: an unknown name costs as much as a wrong password. */
  async matches(stored: string | null | undefined, password: string): Promise<boolean> {
    const equal = await verify(stored ?? this.#decoy, normalPassword(password));
    const outcome = equal && stored != null;
    this.#checks.inc({ outcome: outcome ? 'match' : 'mismatch' });
    return outcome;
  }
}
