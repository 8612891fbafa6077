import type { Logger } from '@lineclear/kit';
import type { ImapFlow } from 'imapflow';

/**
 * Moves handled mails into their folders, all that wait for the same one by one command. They were handled and stay so, moved or
 * not: where a mail lies is for people to see.
 */
export class PutAway {
  readonly #waiting = new Map<string, number[]>();
  #moving: Promise<void> | undefined;

  constructor(
    private readonly client: Pick<ImapFlow, 'messageMove'>,
    private readonly log: Logger,
    private readonly channelId: number,
  ) {}

  put(uid: number, folder: string): void {
    this.#waiting.set(folder, [...(this.#waiting.get(folder) ?? []), uid]);
    this.#moving ??= this.#moveAll();
  }

  /** Once nothing waits any more. */
  async emptied(): Promise<void> {
    await this.#moving;
  }

  async #moveAll(): Promise<void> {
    // What comes while others are moved is met as well.
    for (const [folder, uids] of this.#waiting) {
      this.#waiting.delete(folder);
      await this.#move(uids, folder);
    }
    this.#moving = undefined;
  }

  async #move(uids: readonly number[], folder: string): Promise<void> {
    let err: unknown;
    try {
      if (await this.client.messageMove(uids.join(','), folder, { uid: true })) return;
    } catch (error) {
      err = error;
    }
    this.log.warn({ err, channel_id: this.channelId, uids, folder }, 'handled mails could not be moved');
  }
}
