/** Wakes who waits for it; a ring while nobody waits is not lost. */
export class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Until it rings, the time is over, or `stop`. */
  async wait(ms: number, stop: AbortSignal): Promise<void> {
    if (!this.#isRung && !stop.aborted) {
      let timer: NodeJS.Timeout | undefined;
      const onStop = (): void => this.ring();
      stop.addEventListener('abort', onStop, { once: true });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      this.#wake = undefined;
    }
    this.#isRung = false;
  }
}
