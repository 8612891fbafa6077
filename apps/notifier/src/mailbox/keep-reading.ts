import { backOffMs } from './back-off.js';

export interface KeepReadingParts {
  /** Reads over one connection. Calls `opened` once the mailbox is open; ends when the connection does. */
  readonly read: (stop: AbortSignal, opened: () => void) => Promise<void>;
  readonly failed: (error: unknown, waitMs: number) => void;
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** Reads a mailbox until it is told to stop: a connection that ends is followed by another, each failure by a longer wait. */
export async function keepReading(parts: KeepReadingParts, stop: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stop.aborted) {
    let error: unknown = new Error('the mail server ended the connection');
    try {
      await parts.read(stop, () => (failures = 0));
    } catch (cause) {
      error = cause;
    }
    if (stop.aborted) return;
    failures += 1;
    const waitMs = backOffMs(failures, parts.random());
    parts.failed(error, waitMs);
    await parts.pause(waitMs, stop);
  }
}
