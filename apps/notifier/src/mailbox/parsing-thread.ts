import { Worker } from 'node:worker_threads';
import { MAIL_READER } from '../config.js';
import type { Ours } from '../replies/read-reply.js';
import type { ParsedMail } from './parse-mail.js';

const LIMIT_MS = 10_000;
const LIMITS = { maxOldGenerationSizeMb: 192, stackSizeMb: 4 };

export type Parsed = ParsedMail | { readonly refused: string };

/** Parses one mail at a time in a thread of its own: what strangers wrote can take its time and memory, and no others. */
export class ParsingThread {
  #worker: Worker | undefined;

  /** @throws when the thread comes to no end with it, within the time or at all; the next mail gets another thread */
  async parse(raw: Buffer, ours: Ours, limitMs = LIMIT_MS): Promise<Parsed> {
    const worker = (this.#worker ??= this.#start());
    let forget = (): void => undefined;
    try {
      return await new Promise<Parsed>((resolve, reject) => {
        const fail = (words: string) => (cause?: unknown) => reject(new Error(words, { cause }));
        const [failed, ended] = [fail('reading it failed'), fail('reading it came to no end')];
        const timer = setTimeout(fail(`reading it took more than ${limitMs} ms`), limitMs);
        worker.on('message', resolve).on('error', failed).on('exit', ended);
        // One by one: the thread's own listeners are among them all.
        forget = () => {
          clearTimeout(timer);
          worker.off('message', resolve).off('error', failed).off('exit', ended);
        };
        worker.postMessage({ raw, ours });
      });
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      forget();
    }
  }

  #start(): Worker {
    // Nothing of the process's own environment: there are secrets in it.
    const worker = new Worker(MAIL_READER, { env: {}, execArgv: [], resourceLimits: LIMITS });
    worker.unref();
    // One that nobody listens to would end the process.
    worker.on('error', () => undefined);
    return worker;
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
