import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';

const KEPT_BYTES = 16 << 20;

/** A file that lines are appended to; when it has grown large it becomes `<file>.1` and a new one begins. */
export class LogFile {
  #stream: WriteStream;
  #bytes: number;
  /** The file that was put aside last is written to its end. */
  #before: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {
    this.#bytes = existsSync(path) ? statSync(path).size : 0;
    this.#stream = this.#open();
  }

  write(line: string): void {
    if (this.#bytes > KEPT_BYTES) {
      this.#before = Promise.all([this.#before, ended(this.#stream)]).then(() => undefined);
      this.#putAside();
      this.#stream = this.#open();
      this.#bytes = 0;
    }
    this.#bytes += line.length + 1;
    this.#stream.write(`${line}\n`);
  }

  /** Ends when everything is in the files, as far as they take it. */
  async close(): Promise<void> {
    await Promise.all([this.#before, ended(this.#stream)]);
  }

  #putAside(): void {
    try {
      renameSync(this.path, `${this.path}.1`);
    } catch {
      // Somebody took it away already; for a log nothing may end the house.
    }
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.path, { flags: 'a', mode: 0o600 });
    // A full disk must not end the house: the lines are still on the terminal.
    stream.on('error', () => undefined);
    return stream;
  }
}

const ended = (stream: WriteStream): Promise<void> => new Promise((done) => stream.end(() => done()));
