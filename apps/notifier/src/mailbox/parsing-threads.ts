import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Ours } from '../replies/read-reply.js';
import { ParsingThread, type Parsed } from './parsing-thread.js';

/** So that a mail that takes its time leaves one to the others. */
const THREADS = 2;

/** Parses mails in a few threads, each mail in the first that is free; the second one starts only when it is needed. */
@Injectable()
export class ParsingThreads implements OnApplicationShutdown {
  readonly #all = Array.from({ length: THREADS }, () => new ParsingThread());
  readonly #free = [...this.#all];
  readonly #waiting: ((thread: ParsingThread) => void)[] = [];

  /** @throws as a thread does; the time counts from when one takes it */
  async parse(raw: Buffer, ours: Ours, limitMs?: number): Promise<Parsed> {
    const thread = this.#free.pop() ?? (await new Promise<ParsingThread>((free) => this.#waiting.push(free)));
    try {
      return await thread.parse(raw, ours, limitMs);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(thread);
      else this.#free.push(thread);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.end()));
  }
}
