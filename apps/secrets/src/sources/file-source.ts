import { extname } from 'node:path';
import { Conflict, Secret, Unavailable, type Clock } from '@lineclear/kit';
import { environmentVariable } from '../domain/environment-variable.js';
import {
  entriesOf,
  keyOf,
  Malformed,
  withEntry,
  withoutEntry,
  type TextKind,
} from '../domain/secrets-file.js';
import type { FilePlaces } from './file-places.js';
import { markOf, readPrivateFile, replacePrivateFile, type FileMark } from './private-file.js';
import { presenceOf, type Found, type Presence, type SecretSource } from './source.js';

interface Content {
  readonly path: string;
  readonly mark: FileMark;
  readonly values: ReadonlyMap<string, Secret>;
}

/** A file of names and values that people keep by hand. What they change is seen without a restart. */
export class FileSource implements SecretSource {
  readonly name = 'file';
  #content: Content | undefined;
  #lookedAtMs = -Infinity;
  #looking: Promise<Content | undefined> | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #writes = 0;

  constructor(
    private readonly places: FilePlaces,
    private readonly clock: Clock,
    /** How long the file is taken to be as it was; a look at it is one stat(2). */
    private readonly checkSeconds: number,
  ) {}

  /** @throws Unavailable when the file is open to others, malformed or unreadable: none of that means "not there" */
  async find(_scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const content = await this.#current();
    const found = new Map<string, Found>();
    if (!content) return found;
    for (const name of names) {
      const key = keyOf(name, (wanted) => content.values.has(wanted));
      const value = key === undefined ? undefined : content.values.get(key);
      if (value) found.set(name, { value, version: null, note: noteOn(content.path, key ?? name) });
    }
    return found;
  }

  async presence(scope: string, name: string): Promise<Presence> {
    const found = (await this.find(scope, [name])).get(name);
    if (found) return presenceOf(found);
    const { path } = this.#content ?? { path: this.places.readable.join(', ') };
    return { has: false, note: noteOn(path, name) };
  }

  /** Sets a name in the file, making the file where there is none. @throws Conflict, Unavailable; then the file is as it was */
  set(name: string, value: string): Promise<void> {
    return this.#oneByOne(async () => {
      const { path, text, mark } = await this.#writable();
      await replacePrivateFile(
        path,
        told(path, () => withEntry(text, kindOf(path), name, value)),
        mark,
      );
    });
  }

  /** Removes a name from the file; false when it was not there. @throws Conflict, Unavailable; then the file is as it was */
  remove(name: string): Promise<boolean> {
    return this.#oneByOne(async () => {
      const { path, text, mark } = await this.#writable();
      const without = told(path, () => withoutEntry(text, kindOf(path), name));
      if (without === undefined) return false;
      await replacePrivateFile(path, without, mark);
      return true;
    });
  }

  /** Two who write at once would each write back what the other had changed. */
  #oneByOne<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(write).finally(() => this.#forget());
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  async #writable(): Promise<{ path: string; text: string; mark: FileMark | undefined }> {
    const inUse = await this.#find();
    if (inUse && !this.places.writable.includes(inUse.path))
      throw new Conflict(
        `secrets are read from ${inUse.path}, which is never written: move it to ${this.places.made}, with mode 600`,
      );
    const path = inUse?.path ?? this.places.made;
    const read = await readPrivateFile(path);
    return read ? { path, ...read } : { path, text: '{}', mark: undefined };
  }

  async #current(): Promise<Content | undefined> {
    const nowMs = this.clock.now().getTime();
    // Also when the clock was set back.
    if (Math.abs(nowMs - this.#lookedAtMs) < this.checkSeconds * 1_000) return this.#content;
    return (this.#looking ??= this.#look(nowMs));
  }

  async #look(nowMs: number): Promise<Content | undefined> {
    const writes = this.#writes;
    try {
      const there = await this.#find();
      const known = this.#content;
      const isKnown = there !== undefined && known?.path === there.path && known.mark === there.mark;
      const content = isKnown ? known : there && (await this.#read(there.path));
      // What was written meanwhile is not in what was read.
      if (writes === this.#writes) {
        this.#content = content;
        this.#lookedAtMs = nowMs;
      }
      return content;
    } finally {
      if (writes === this.#writes) this.#looking = undefined;
    }
  }

  async #read(path: string): Promise<Content | undefined> {
    const read = await readPrivateFile(path);
    if (!read) return undefined;
    const entries = told(path, () => entriesOf(read.text, kindOf(path)));
    return { path, mark: read.mark, values: new Map([...entries].map(([key, v]) => [key, new Secret(v)])) };
  }

  async #find(): Promise<{ path: string; mark: FileMark } | undefined> {
    for (const path of this.places.readable) {
      const mark = await markOf(path);
      if (mark !== undefined) return { path, mark };
    }
    return undefined;
  }

  #forget(): void {
    this.#writes += 1;
    this.#lookedAtMs = -Infinity;
    this.#looking = undefined;
  }
}

const kindOf = (path: string): TextKind =>
  extname(path).toLowerCase() === '.json' ? 'json' : 'json or yaml';
const noteOn = (path: string, key: string): string =>
  key === environmentVariable(key) ? `${key} in ${path}` : `${key} or ${environmentVariable(key)} in ${path}`;

function told<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw new Unavailable(`the file of secrets ${path} ${error.message}`);
    throw error;
  }
}
