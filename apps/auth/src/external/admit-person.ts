import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged } from '@lineclear/contracts';
import { Clock, Database, LOGGER, NotAllowed, NotAuthenticated, type Logger, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import type { LoggedIn } from '../credentials/let-in.js';
import { loggedIn } from '../credentials/logged-in.js';
import { NoteDevice } from '../credentials/note-device.js';
import { openSession } from '../credentials/open-session.js';
import * as identities from '../db/external-identities.repo.js';
import * as levels from '../db/levels.repo.js';
import * as users from '../db/users.repo.js';
import type { ExternalPerson, IdentityProvider } from '../domain/identity-provider.js';
import { levelOf } from '../domain/level-mapping.js';
import { usernames } from '../domain/new-username.js';
import { sessionSeconds } from '../domain/session-lifetime.js';

const MAX_SUBJECT_LENGTH = 500;
const MAX_DISPLAY_NAME_LENGTH = 120;
const emailAddress = z.email().max(254);

export interface Arrival {
  readonly address: string;
  readonly userAgent: string;
  readonly rememberMe: boolean;
  /** The provider's name for its own session. */
  readonly providerSid?: string | undefined;
}

/** Lets in whom a provider vouches for: as who they are here, at the level that their groups have now. */
@Injectable()
export class AdmitPerson {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly devices: NoteDevice,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** @throws NotAllowed for who has no account and gets none, and for a closed one */
  async admit(provider: IdentityProvider, described: ExternalPerson, arrival: Arrival): Promise<LoggedIn> {
    const person = fitting(described);
    const now = this.clock.now();
    const admitted = this.database.tx(async (tx): Promise<LoggedIn> => {
      // Two first logins of one person make one account; and a level is changed while nobody else changes any.
      await users.lockRights(tx);
      const userId = await this.#userOf(tx, provider, person, now);
      if (!(await users.loggedInElsewhere(tx, userId, now))) throw new NotAllowed('this account is closed');
      await this.#followGroups(tx, provider, person, userId);
      const lifetimeSeconds = sessionSeconds(arrival.rememberMe);
      const session = { ...arrival, userId, lifetimeSeconds, now, providerId: provider.id };
      const opened = await openSession(tx, session);
      const user = (await users.byId(tx, userId))!;
      await this.devices.note(tx, user, arrival, now);
      await this.bus.publish(tx, loggedIn(user, provider.name));
      return { state: 'in', user, ...opened };
    });
    return users.refuseTaken(admitted);
  }

  async #userOf(tx: Tx, provider: IdentityProvider, person: ExternalPerson, now: Date): Promise<number> {
    const { subject } = person;
    const known = await identities.userOf(tx, provider.id, subject);
    if (known !== undefined) {
      await identities.used(tx, provider.id, subject, now);
      return known;
    }
    const userId =
      (await this.#byEmail(tx, provider, person)) ?? (await this.#make(tx, provider, person, now));
    await identities.insert(tx, { providerId: provider.id, subject, userId }, now);
    return userId;
  }

  /** Who made an account here before is the same person, if the provider says that the address is theirs. */
  async #byEmail(
    tx: Tx,
    provider: IdentityProvider,
    { email, emailVerified }: ExternalPerson,
  ): Promise<number | undefined> {
    const account = email === undefined ? undefined : await users.accountByName(tx, email);
    if (!account) return undefined;
    if (account.kind === 'service') throw new NotAllowed('this email address is that of a service account');
    if (!emailVerified) {
      throw new NotAllowed(
        `there is an account with this email address, and the identity provider ${JSON.stringify(provider.name)} does not say that it is verified`,
      );
    }
    // An address may come to somebody else; and an account that a provider made never showed that the address is its own.
    if (await identities.hasAny(tx, account.id))
      throw new NotAllowed(
        'the account with this email address is that of somebody else at an identity provider',
      );
    return account.id;
  }

  async #make(tx: Tx, provider: IdentityProvider, person: ExternalPerson, now: Date): Promise<number> {
    const { email } = person;
    if (!provider.auto_create_users)
      throw new NotAllowed('there is no account for this person: somebody who looks after people makes it');
    if (email === undefined)
      throw new NotAllowed(
        `the identity provider ${JSON.stringify(provider.name)} tells no email address, which an account needs`,
      );
    for (const username of usernames(person.username ?? email)) {
      if (await users.accountByName(tx, username)) continue;
      const level = levelOf(provider, person.groups, await levels.priorities(tx));
      const display_name = person.displayName ?? username;
      const id = await users.insert(
        tx,
        { username, email, display_name, level, kind: 'person', password_hash: null },
        now,
      );
      const details = { username, email, level, provider: provider.name };
      await this.bus.publish(tx, audited('user.created', { target: `user/${id}`, details }));
      return id;
    }
    throw new NotAllowed('every name that this person could have here is taken');
  }

  /** Where the provider's groups are mapped they say each time which level it is; the last admin alone stays one. */
  async #followGroups(tx: Tx, provider: IdentityProvider, person: ExternalPerson, id: number): Promise<void> {
    if (Object.keys(provider.level_mapping).length === 0) return;
    const level = levelOf(provider, person.groups, await levels.priorities(tx));
    const before = (await users.byId(tx, id))!;
    if (before.level === level) return;
    await users.update(tx, id, { level });
    if (!(await users.anAdminIsLeft(tx))) {
      await users.update(tx, id, { level: before.level });
      this.log.warn({ user_id: id, level }, 'the last active admin stays one, whatever their groups say');
      return;
    }
    const details = { level: { from: before.level, to: level }, provider: provider.name };
    await this.bus.publish(
      tx,
      event(principalChanged, { user_id: id }, { about: `user/${id}` }),
      audited('user.changed', { target: `user/${id}`, details }),
    );
  }
}

/** Whom a provider describes, with what would not do for an account here left out. */
function fitting(person: ExternalPerson): ExternalPerson {
  if (person.subject.length > MAX_SUBJECT_LENGTH)
    throw new NotAuthenticated('the identity provider’s name for this person is too long');
  const displayName = person.displayName?.replace(/\p{Cc}/gu, ' ').trim();
  return {
    ...person,
    email: emailAddress.safeParse(person.email).data,
    displayName: displayName?.slice(0, MAX_DISPLAY_NAME_LENGTH) || undefined,
  };
}
