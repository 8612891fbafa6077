import { bytesOf, type RunFolder } from '@lineclear/processes';
import type { Lease, WorkerApi } from './worker-api.js';

const MAX_CHARS = 64_000;
const MAX_NAME = 128;
const MAX_NAMES = 64;

interface Sent {
  readonly log_bytes: number;
  readonly log_chars: number;
}

/** Sends what a task has written and the server does not have. */
export class SendOutput {
  constructor(
    private readonly api: WorkerApi,
    private readonly folder: RunFolder,
  ) {}

  /** Sends one part. `all`: there is no more now. @throws Refused */
  async send(
    task: Lease & Sent,
    isOver: boolean,
  ): Promise<Sent & { readonly all: boolean; readonly stop: boolean }> {
    const { log_bytes: from, log_chars: at } = task;
    const { bytes, more } = await this.folder.readLog(from, isOver);
    const whole = bytes.toString('utf8');
    const text = whole.slice(0, wholeCharacters(whole, MAX_CHARS));
    const isLast = !more && text.length === whole.length;
    if (text === '') return { log_bytes: from, log_chars: at, all: true, stop: false };
    const { taken, stop } = await this.api.log(task, {
      at,
      text,
      is_final: isOver && isLast,
      hidden: namesIn(await this.folder.hidden()),
    });
    return {
      log_bytes: from + bytesOf(bytes, whole.length, taken),
      log_chars: at + taken,
      all: isLast && taken === text.length,
      stop,
    };
  }
}

/** The job itself may have written to the list: what cannot be the name of a secret is left out. */
const namesIn = (lines: readonly string[]): string[] =>
  lines.filter((line) => line !== '' && line.length <= MAX_NAME).slice(0, MAX_NAMES);

/** So many of the text, or one less where that would be half of a surrogate pair. */
const wholeCharacters = (text: string, most: number): number =>
  /[\ud800-\udbff]/.test(text.charAt(most - 1)) && text.length > most ? most - 1 : most;
