/** Calls back later, as something that can be handed over: tests let the time pass themselves. */
export abstract class Timer {
  /** Calls `then` once, after so many milliseconds; what comes back calls it off. */
  abstract after(ms: number, then: () => Promise<void>): () => void;
}

/** The longest that Node can wait in one piece. */
const MAX_WAIT_MS = 2_147_483_647;

/** The real one. It keeps no process alive. */
export class SystemTimer extends Timer {
  override after(ms: number, then: () => Promise<void>): () => void {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, MAX_WAIT_MS);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : void then()), stepMs).unref();
    };
    wait(Math.max(0, ms));
    return () => clearTimeout(timer);
  }
}
