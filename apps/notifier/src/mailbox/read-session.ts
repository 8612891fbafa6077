import { isDatabaseAway, type Database, type Logger } from '@lineclear/kit';
import type { ImapFlow } from 'imapflow';
import { advanceCursor, handledUids, isNew, openCursor, type Place } from '../db/mailboxes.repo.js';
import type { Correspondence, EmailChannel } from '../domain/channel.js';
import { placeOf, PROCESSED, QUARANTINE, type OpenMailbox } from '../domain/mailbox-settings.js';
import { Bell } from './bell.js';
import type { HandleMail } from './handle-mail.js';
import { MAX_MAIL_BYTES, type FetchedMail } from './judge-mail.js';
import { PutAway } from './put-away.js';
import { inGroups, UnderWay } from './under-way.js';

/** Looked at all the same when the server tells of no news. */
const LOOK_EVERY_MS = 60_000;
/** So many mails are handled at the same time, and fetched by one command. */
const MOST_AT_ONCE = 8;
/** Servers know the day of a mail, in a time zone of their own. */
const DAYS_OF_DOUBT_MS = 2 * 86_400_000;

interface Attempt {
  readonly failures: number;
  readonly dueAtMs: number;
}

export interface SessionParts {
  readonly database: Database;
  readonly handle: HandleMail;
  readonly log: Logger;
  readonly channel: EmailChannel;
  readonly mailbox: OpenMailbox;
  /** Before each further attempt; after the last one a mail is put away, and the others are kept waiting by none. */
  readonly retrySeconds: readonly number[];
  /** What this process could not handle so far. */
  readonly attempts: Map<string, Attempt>;
}

/** Reads a folder over one connection, what is there, then what arrives: several mails at once, so that none waits for a slow one. */
export class ReadSession {
  readonly #bell = new Bell();
  readonly #ours: Correspondence;
  readonly #underWay = new UnderWay(MOST_AT_ONCE);
  readonly #putAway: PutAway;
  /** What keeps this session from handling any mail. */
  #broken: Error | undefined;
  /** The last mail that was found. */
  #highest = 0;

  constructor(
    private readonly client: ImapFlow,
    private readonly parts: SessionParts,
  ) {
    const { fromAddress, fromName } = parts.channel.settings;
    const { replyTo, arcSealers = [] } = parts.mailbox;
    this.#ours = { fromAddress, fromName, replyTo, arcSealers };
    this.#putAway = new PutAway(client, parts.log, parts.channel.id);
    client.on('exists', () => this.#bell.ring());
    client.on('close', () => this.#bell.ring());
  }

  /** Ends when the connection does, or soon after `stop`. */
  async run(stop: AbortSignal, opened: () => void): Promise<void> {
    const { client, parts } = this;
    await this.#makeFolders();
    const folder = await client.mailboxOpen(parts.mailbox.folder);
    const place: Place = {
      channelId: parts.channel.id,
      mailbox: placeOf(parts.mailbox),
      uidValidity: Number(folder.uidValidity),
    };
    const lastUid = folder.uidNext - 1;
    const before = (await isNew(parts.database, place)) ? await this.#lastBeforeOurs(lastUid) : lastUid;
    const cursor = await openCursor(parts.database, place, before);
    const sinceTime = cursor.last_uid === 0 ? new Date(cursor.since.getTime() - DAYS_OF_DOUBT_MS) : undefined;
    opened();
    for (let last = cursor.last_uid; client.usable && !stop.aborted;) {
      last = await this.#pass(place, last, sinceTime, stop);
      await this.#bell.wait(this.#untilNextMs(), stop);
      if (this.#broken) throw this.#broken;
    }
  }

  /** What is under way when reading ends is brought to its end. */
  async finish(): Promise<void> {
    await this.#underWay.settled();
    await this.#putAway.emptied();
  }

  /**
   * The last mail that lay in the folder before the channel was given it: those are none of ours, while answers may have come
   * before anybody could look.
   */
  async #lastBeforeOurs(lastUid: number): Promise<number> {
    const givenMs = new Date(this.parts.mailbox.since).getTime();
    const recent = await this.client.search({ since: new Date(givenMs - DAYS_OF_DOUBT_MS) }, { uid: true });
    if (!Array.isArray(recent) || recent.length === 0) return lastUid;
    // Servers know the second.
    const fromMs = Math.floor(givenMs / 1_000) * 1_000;
    let last = lastUid;
    const range = `${Math.min(...recent)}:*`;
    for await (const { uid, internalDate } of this.client.fetch(range, { internalDate: true }, { uid: true }))
      if (internalDate && new Date(internalDate).getTime() >= fromMs) last = Math.min(last, uid - 1);
    return last;
  }

  /**
   * Begins with what there is behind `last` and waits for none of it; what could not be handled is left for the next time. Gives
   * the last mail below which, as it found them, all are handled.
   */
  async #pass(place: Place, last: number, since: Date | undefined, stop: AbortSignal): Promise<number> {
    const { database, attempts } = this.parts;
    const range = { uid: `${last + 1}:*`, ...(since ? { since } : {}) };
    const found = await this.client.search(range, { uid: true });
    if (!Array.isArray(found)) throw new Error('the mail server did not search');
    // To a server `5:*` means the last mail at least, be its UID 4.
    const uids = found.filter((uid) => uid > last).sort((a, b) => a - b);
    this.#highest = Math.max(this.#highest, last, uids.at(-1) ?? 0);
    const open = await this.#unhandled(place, uids);
    // What others handled meanwhile is not waited for any more.
    const keys = new Set(open.map((uid) => keyOf(place, uid)));
    for (const key of attempts.keys()) if (!keys.has(key)) attempts.delete(key);
    const done = open.length > 0 ? open[0]! - 1 : this.#highest;
    if (done > last) await advanceCursor(database, place, done);
    for (const group of inGroups(open, MOST_AT_ONCE, Math.random)) {
      if (stop.aborted || !this.client.usable) break;
      await this.#begin(place, group, stop);
    }
    return done;
  }

  /** Which of these mails nobody handled yet. */
  async #unhandled(place: Place, uids: readonly number[]): Promise<number[]> {
    if (uids.length === 0) return [];
    const handled = await handledUids(this.parts.database, place, uids);
    return uids.filter((uid) => !handled.has(uid));
  }

  async #begin(place: Place, group: readonly number[], stop: AbortSignal): Promise<void> {
    const now = performance.now();
    const isDue = (uid: number): boolean =>
      !this.#underWay.has(uid) && (this.parts.attempts.get(keyOf(place, uid))?.dueAtMs ?? 0) <= now;
    // Asked once more: in a full mailbox other replicas are at work meanwhile.
    const uids = await this.#unhandled(place, group.filter(isDue));
    if (uids.length === 0) return;
    const query = { size: true, source: { maxLength: MAX_MAIL_BYTES } };
    const fetched = await this.client.fetchAll(uids.join(','), query, { uid: true });
    const mails = new Map(fetched.map((mail) => [mail.uid, mail]));
    for (const uid of uids) {
      const { size, source } = mails.get(uid) ?? {};
      if (source === undefined) {
        // Moved or deleted meanwhile: somebody else's.
        this.parts.attempts.delete(keyOf(place, uid));
        continue;
      }
      await this.#underWay.room();
      if (this.#broken) throw this.#broken;
      if (stop.aborted) return;
      const mail = { bytes: size ?? source.length, raw: source };
      this.#underWay.begin(uid, () => this.#work(place, uid, mail));
    }
  }

  /** Throws nothing: what does not concern this mail alone ends the session. */
  async #work(place: Place, uid: number, mail: FetchedMail): Promise<void> {
    try {
      const folder = await this.#handled(place, uid, mail);
      if (folder !== undefined) this.#putAway.put(uid, folder);
    } catch (error) {
      this.#broken ??= error instanceof Error ? error : new Error(String(error));
    }
    this.#bell.ring();
  }

  #untilNextMs(): number {
    const due = [...this.parts.attempts.values()].map(({ dueAtMs }) => dueAtMs - performance.now());
    return Math.max(0, Math.min(LOOK_EVERY_MS, ...due));
  }

  /** The folder that the mail belongs in now; undefined when it is to stay, for a while or for somebody else. */
  async #handled(place: Place, uid: number, mail: FetchedMail): Promise<string | undefined> {
    const { handle, attempts, retrySeconds, log } = this.parts;
    const key = keyOf(place, uid);
    const failures = attempts.get(key)?.failures ?? 0;
    attempts.delete(key);
    try {
      return await handle.handle(place, uid, mail, this.#ours);
    } catch (error) {
      // That says nothing of the mail.
      if (isDatabaseAway(error)) throw error;
      log.warn({ err: error, channel_id: place.channelId, uid, failures }, 'a mail could not be handled');
      const waitSeconds = retrySeconds[failures];
      if (waitSeconds !== undefined) {
        attempts.set(key, { failures: failures + 1, dueAtMs: performance.now() + waitSeconds * 1_000 });
        return undefined;
      }
      const why = `it could not be handled: ${error instanceof Error ? error.message : String(error)}`;
      return handle.giveUp(place, uid, why.slice(0, 500));
    }
  }

  async #makeFolders(): Promise<void> {
    for (const folder of [PROCESSED, QUARANTINE]) {
      try {
        await this.client.mailboxCreate(folder);
      } catch (error) {
        const { channel, log } = this.parts;
        log.warn({ err: error, channel_id: channel.id, folder }, 'a folder for handled mails cannot be made');
      }
    }
  }
}

const keyOf = ({ mailbox, uidValidity }: Place, uid: number): string => `${mailbox} ${uidValidity} ${uid}`;
