import { isDatabaseAway, type Database, type Logger } from '@lineclear/kit';
import type { ImapFlow } from 'imapflow';
import { advanceCursor, handledUids, isNew, openCursor, type Place } from '../db/mailboxes.repo.js';
import type { Correspondence, EmailChannel } from '../domain/channel.js';
import { placeOf, PROCESSED, QUARANTINE, type OpenMailbox } from '../domain/mailbox-settings.js';
import { Bell } from './bell.js';
import type { HandleMail } from './handle-mail.js';
import { MAX_MAIL_BYTES } from './judge-mail.js';

/** Looked at all the same when the server tells of no news. */
const LOOK_EVERY_MS = 60_000;
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

/** Reads a folder over one connection: what is there, then what arrives. */
export class ReadSession {
  readonly #bell = new Bell();
  readonly #ours: Correspondence;

  constructor(
    private readonly client: ImapFlow,
    private readonly parts: SessionParts,
  ) {
    const { fromAddress, fromName } = parts.channel.settings;
    this.#ours = { fromAddress, fromName, replyTo: parts.mailbox.replyTo };
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
    }
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

  /** Handles what there is behind `last`; what could not be handled is left for the next time. */
  async #pass(place: Place, last: number, since: Date | undefined, stop: AbortSignal): Promise<number> {
    const range = { uid: `${last + 1}:*`, ...(since ? { since } : {}) };
    const found = await this.client.search(range, { uid: true });
    if (!Array.isArray(found)) throw new Error('the mail server did not search');
    // To a server `5:*` means the last mail at least, be its UID 4.
    const uids = found.filter((uid) => uid > last).sort((a, b) => a - b);
    const handled = uids.length === 0 ? new Set() : await handledUids(this.parts.database, place, uids);
    const open = uids.filter((uid) => !handled.has(uid));
    // What others handled meanwhile is not waited for any more.
    const keys = new Set(open.map((uid) => keyOf(place, uid)));
    for (const key of this.parts.attempts.keys()) if (!keys.has(key)) this.parts.attempts.delete(key);
    if (uids.length === 0) return last;
    const left: number[] = [];
    for (const uid of open) {
      if (stop.aborted || !this.client.usable) return last;
      if (!(await this.#handled(place, uid))) left.push(uid);
    }
    const done = left.length > 0 ? left[0]! - 1 : uids.at(-1)!;
    await advanceCursor(this.parts.database, place, done);
    return Math.max(last, done);
  }

  #untilNextMs(): number {
    const due = [...this.parts.attempts.values()].map(({ dueAtMs }) => dueAtMs - performance.now());
    return Math.max(0, Math.min(LOOK_EVERY_MS, ...due));
  }

  async #handled(place: Place, uid: number): Promise<boolean> {
    const { handle, attempts, retrySeconds, log } = this.parts;
    const key = keyOf(place, uid);
    const { failures, dueAtMs } = attempts.get(key) ?? { failures: 0, dueAtMs: 0 };
    if (dueAtMs > performance.now()) return false;
    const mail = await this.#fetch(uid);
    attempts.delete(key);
    // Moved or deleted meanwhile: somebody else's.
    if (!mail) return true;
    try {
      const folder = await handle.handle(place, uid, mail, this.#ours);
      if (folder !== undefined) await this.#move(uid, folder);
      return true;
    } catch (error) {
      // That says nothing of the mail.
      if (isDatabaseAway(error)) throw error;
      log.warn({ err: error, channel_id: place.channelId, uid, failures }, 'a mail could not be handled');
      const waitSeconds = retrySeconds[failures];
      if (waitSeconds !== undefined) {
        attempts.set(key, { failures: failures + 1, dueAtMs: performance.now() + waitSeconds * 1_000 });
        return false;
      }
      const why = `it could not be handled: ${error instanceof Error ? error.message : String(error)}`;
      const folder = await handle.giveUp(place, uid, why.slice(0, 500));
      if (folder !== undefined) await this.#move(uid, folder);
      return true;
    }
  }

  async #fetch(uid: number): Promise<{ bytes: number; raw: Buffer } | undefined> {
    const query = { size: true, source: { maxLength: MAX_MAIL_BYTES } };
    const mail = await this.client.fetchOne(String(uid), query, { uid: true });
    if (!mail || mail.source === undefined) return undefined;
    return { bytes: mail.size ?? mail.source.length, raw: mail.source };
  }

  /** It was handled and stays so: where it lies is for people to see. */
  async #move(uid: number, folder: string): Promise<void> {
    const { log, channel } = this.parts;
    try {
      const moved = await this.client.messageMove(String(uid), folder, { uid: true });
      if (moved) return;
      log.warn({ channel_id: channel.id, uid, folder }, 'a mail that was handled could not be moved');
    } catch (error) {
      log.warn(
        { err: error, channel_id: channel.id, uid, folder },
        'a mail that was handled could not be moved',
      );
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
