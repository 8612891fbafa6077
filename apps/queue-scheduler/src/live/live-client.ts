import type { ServerResponse } from 'node:http';
import { can, canFor, tenantOf, type Owner } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import type { LiveEvent } from './visible-event.js';

const MAX_UNSENT_BYTES = 1_048_576;
const MAX_HELD_BACK = 5_000;

/** One open connection: what it may see, in stream order, each event once. One that reads too slowly is closed. */
export class LiveClient {
  #last: number;
  /** Live events that came while older ones are still being sent. */
  #heldBack: LiveEvent[] | undefined;

  constructor(
    private readonly response: ServerResponse,
    readonly principal: Principal,
    resumeAfter: number | undefined,
  ) {
    this.#last = resumeAfter ?? 0;
    if (resumeAfter !== undefined) this.#heldBack = [];
  }

  /** What it saw was on another stream, whose places say nothing about this one's. */
  startOver(): void {
    this.#last = 0;
  }

  /** An event as it happens. */
  live(event: LiveEvent, owner: Owner | undefined): void {
    if (!this.#sees(owner)) return;
    if (this.#heldBack === undefined) this.#send(event);
    else if (this.#heldBack.length < MAX_HELD_BACK) this.#heldBack.push(event);
    else this.drop();
  }

  /** An event from before. */
  past(event: LiveEvent, owner: Owner | undefined): void {
    if (this.#sees(owner)) this.#send(event);
  }

  caughtUp(): void {
    const held = this.#heldBack ?? [];
    this.#heldBack = undefined;
    for (const event of held) this.#send(event);
  }

  heartbeat(now: Date): void {
    const { expires_at: until } = this.principal;
    if (until !== undefined && new Date(until) <= now) this.drop();
    else this.#write(': still here\n\n');
  }

  /** It comes back by itself and goes on where it was. */
  drop(): void {
    this.response.destroy();
  }

  get isSlow(): boolean {
    return this.response.writableLength > MAX_UNSENT_BYTES / 4;
  }

  /** Resolves when what was written has left, or the connection is gone. */
  async drained(): Promise<void> {
    if (!this.response.writableNeedDrain || this.response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      this.response.once('drain', done).once('close', done);
    });
  }

  #sees(owner: Owner | undefined): boolean {
    // The route let in only who sees their own.
    return owner === undefined
      ? can(this.principal, 'job.view.all') && tenantOf(this.principal) === undefined
      : owner.userId === this.principal.user_id || canFor(this.principal, 'job.view', owner);
  }

  #send({ place, frame }: LiveEvent): void {
    if (place <= this.#last) return;
    this.#last = place;
    this.#write(frame);
  }

  #write(text: string): void {
    if (this.response.destroyed) return;
    if (this.response.writableLength > MAX_UNSENT_BYTES) this.drop();
    else this.response.write(text);
  }
}
