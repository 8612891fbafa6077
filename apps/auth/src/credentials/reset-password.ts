import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited, hashToken } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { passwordResetRequested, principalChanged } from '@lineclear/contracts';
import { addressGroup, BadInput, Clock, Database, Secret, TooMany, type Tx } from '@lineclear/kit';
import * as identities from '../db/external-identities.repo.js';
import * as failures from '../db/login-failures.repo.js';
import * as resets from '../db/password-resets.repo.js';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { RESET_ACCOUNT_RULE, RESET_ADDRESS_RULE } from '../domain/lock-out.js';
import { mayReset } from '../domain/may-reset.js';
import { after } from '../domain/session-lifetime.js';
import { notePasswordChange } from './note-password-change.js';
import { addressCounter } from './guess-gate.js';
import { accountKey } from './password-gate.js';
import { Passwords } from './passwords.js';
import { newToken } from './tokens.js';

const RESET_SECONDS = 1_800;
/** The mailer asks once for each attempt to get the mail away. */
const MAX_LINKS = 5;

/** New passwords for those who forgot theirs, by a link that only their mailbox gets. */
@Injectable()
export class ResetPassword {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
  ) {}

  /**
   * Has a link mailed, if there is somebody to mail it to. Nobody who asks learns whether there is: each name has the same
   * statements run for it. @throws TooMany for who asks too often, whatever the names
   */
  async request(name: string, address: string): Promise<void> {
    const account = await users.accountByName(this.database, name);
    await this.database.tx(async (tx) => {
      const now = this.clock.now();
      const ofAddress = { key: `reset-address:${addressGroup(address)}`, rule: RESET_ADDRESS_RULE };
      await countOrRefuse(tx, ofAddress, now);
      const ofAccount = { key: `reset-${accountKey(account, name)}`, rule: RESET_ACCOUNT_RULE };
      const isTooOften = (await failures.count(tx, [ofAccount], now)) === undefined;
      const isOfProvider = await identities.hasAny(tx, account?.id ?? 0);
      const person = account && !isTooOften && mayReset(account, isOfProvider) ? account : undefined;
      const reset = { id: randomUUID(), userId: person?.id ?? null, expiresAt: after(now, RESET_SECONDS) };
      // Sent together: what one more statement takes is lost in the way to the database and back.
      const target = account ? { target: `user/${account.id}` } : {};
      await Promise.all([
        resets.insert(tx, reset),
        person && this.#tellMailer(tx, reset, person),
        this.bus.publish(tx, audited('auth.password_reset_requested', target)),
      ]);
    });
  }

  /**
   * A new token for a reset, which is kept nowhere but as its hash; it is good once the reset knows it. Undefined when the
   * reset is over or had too many.
   */
  async renewToken(resetId: string): Promise<Secret | undefined> {
    const token = newToken();
    const renewed = { id: resetId, tokenSha256: hashToken(token), maxLinks: MAX_LINKS };
    return (await resets.renewToken(this.database, renewed, this.clock.now()))
      ? new Secret(token)
      : undefined;
  }

  /** Sets the new password of whoever's token this is, once. @throws BadInput, TooMany */
  async complete(given: { token: string; password: string; address: string }): Promise<void> {
    const counter = addressCounter(given.address);
    const lockedSeconds = await failures.lockedSeconds(this.database, [counter], this.clock.now());
    if (lockedSeconds > 0) throw tooMany(lockedSeconds);
    const tokenSha256 = hashToken(given.token);
    const userId = await resets.userOf(this.database, tokenSha256, this.clock.now());
    const account = userId === undefined ? undefined : await users.accountById(this.database, userId);
    if (account) {
      const fault = await this.passwords.fault(given.password, account);
      if (fault !== undefined) throw BadInput.at('new_password', fault);
      const passwordHash = await this.passwords.hash(given.password);
      if (await this.database.tx((tx) => this.#setPassword(tx, account.id, tokenSha256, passwordHash)))
        return;
    }
    await this.database.tx((tx) => countOrRefuse(tx, counter, this.clock.now()));
    throw BadInput.at('token', 'is not known, was used, or is too old: ask for another mail');
  }

  async #setPassword(tx: Tx, userId: number, tokenSha256: string, passwordHash: string): Promise<boolean> {
    const account = await users.lockAccount(tx, userId);
    if (!(await resets.take(tx, tokenSha256, this.clock.now()))) return false;
    // It may have been closed, or become somebody's at a provider, since the mail was sent.
    if (!account || !mayReset(account, await identities.hasAny(tx, userId))) return false;
    await users.changePassword(tx, account, passwordHash);
    await sessions.endAllOf(tx, userId);
    await failures.forget(tx, accountKey(account, account.username));
    await notePasswordChange(tx, this.bus, account);
    await this.bus.publish(
      tx,
      event(principalChanged, { user_id: userId }, { about: `user/${userId}` }),
      audited('auth.password_reset', { target: `user/${userId}` }),
    );
    return true;
  }

  async #tellMailer(
    tx: Tx,
    reset: { readonly id: string; readonly expiresAt: Date },
    person: { readonly id: number; readonly username: string; readonly email: string },
  ): Promise<void> {
    const data = {
      reset_id: reset.id,
      user_id: person.id,
      username: person.username,
      email: person.email,
      expires_at: reset.expiresAt.toISOString(),
    };
    await this.bus.publish(tx, event(passwordResetRequested, data, { about: `user/${person.id}` }));
  }
}

async function countOrRefuse(tx: Tx, counter: failures.Counter, now: Date): Promise<void> {
  if ((await failures.count(tx, [counter], now)) === undefined)
    throw tooMany(await failures.lockedSeconds(tx, [counter], now));
}

const tooMany = (retryAfterSeconds: number): TooMany =>
  new TooMany('too many requests of this kind from this address; wait before the next', retryAfterSeconds);
