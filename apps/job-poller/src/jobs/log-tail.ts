import { Injectable } from '@nestjs/common';

/** Wakes those who follow a run's log when this process has stored more of it. They also look by themselves now and then. */
@Injectable()
export class LogTail {
  readonly #waiting = new Map<string, Set<() => void>>();

  wake(runId: string): void {
    for (const wake of this.#waiting.get(runId) ?? []) wake();
  }

  /** Resolves when there may be more, after `ms` at the latest, or when `signal` says to stop. */
  async more(runId: string, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const waiting = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiting);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(runId);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      waiting.add(done);
    });
  }
}
