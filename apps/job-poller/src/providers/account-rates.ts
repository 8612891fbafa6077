import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import { AccountRatesRepo } from '../db/account-rates.repo.js';
import { cappedAskMs } from '../domain/schedule.js';
import { emptied, take, type Purpose, type Rate } from '../domain/token-bucket.js';
import { Later } from './later.js';

// How often others may be quicker in a row, before it is better to come again.
const TRIES = 20;
const LEAST_WAIT_MS = 50;
// Longer than this nobody waits in the middle of something.
const MOST_WAIT_MS = 30_000;

/**
 * Keeps the calls of an account within its provider's rate, all replicas together. The buckets are in Postgres: it is there
 * whenever a step is, and its clock is the one that all replicas share. A bucket is one number, changed by compare-and-set.
 */
@Injectable()
export class AccountRates {
  /** Until when there is too little for a purpose, as far as is known here: many that ask at once ask Postgres once. */
  readonly #refusedUntil = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly repo: AccountRatesRepo,
  ) {}

  /** Takes one call out of the account's bucket. @throws Later when there is too little in it */
  async take(account: string, rate: Rate, purpose: Purpose): Promise<void> {
    const name = `${purpose} ${account}`;
    const known = (this.#refusedUntil.get(name) ?? 0) - performance.now();
    if (known > 0) throw waitFor(known);
    this.#refusedUntil.delete(name);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { fullAtMs, nowMs } = await this.repo.read(this.database, account);
      const taken = take(fullAtMs, nowMs, rate, purpose);
      if ('waitMs' in taken) {
        this.#refusedUntil.set(name, performance.now() + taken.waitMs);
        throw waitFor(taken.waitMs);
      }
      if (await this.repo.swap(this.database, account, fullAtMs, taken.fullAtMs)) return;
    }
    throw waitFor(LEAST_WAIT_MS);
  }

  /** Waits for one call, and takes it. @throws Later when that would take long */
  async wait(account: string, rate: Rate, purpose: Purpose): Promise<void> {
    for (;;) {
      try {
        return await this.take(account, rate, purpose);
      } catch (error) {
        if (!(error instanceof Later) || error.waitMs > MOST_WAIT_MS) throw error;
        await pause(error.waitMs, undefined, { ref: false });
      }
    }
  }

  /** The provider said "too many": nobody calls on this account for as long as it asked for. */
  async empty(account: string, rate: Rate, askedMs: number | undefined): Promise<void> {
    for (;;) {
      const { fullAtMs, nowMs } = await this.repo.read(this.database, account);
      const next = emptied(fullAtMs, nowMs + cappedAskMs(askedMs), rate);
      if (next === fullAtMs || (await this.repo.swap(this.database, account, fullAtMs, next))) return;
    }
  }
}

/** Spread, so that those who wait do not come all at once. */
const waitFor = (ms: number): Later =>
  new Later(
    'as many calls as the provider allows were made',
    Math.max(ms, LEAST_WAIT_MS) * (1 + Math.random()),
  );
