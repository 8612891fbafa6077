import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { hash, verify } from '@node-rs/argon2';
import { Counter } from 'prom-client';

// argon2id (the library's default) as OWASP advises: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The slow hash of passwords. It runs on libuv's threads, and never inside of a transaction. */
@Injectable()
export class Passwords implements OnModuleInit {
  readonly #checks: Counter;
  #decoy = '';

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

  async hash(password: string): Promise<string> {
    return hash(normal(password), COST);
  }

  /** Where there is no hash to compare with, a decoy is: an unknown name costs as much as a wrong password. */
  async matches(stored: string | null | undefined, password: string): Promise<boolean> {
    const equal = await verify(stored ?? this.#decoy, normal(password));
    const outcome = equal && stored != null;
    this.#checks.inc({ outcome: outcome ? 'match' : 'mismatch' });
    return outcome;
  }
}

/** One person's é may be two characters on another keyboard. */
const normal = (password: string): string => password.normalize('NFKC');
