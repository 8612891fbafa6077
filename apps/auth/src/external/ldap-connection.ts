import type { connect, Socket } from 'node:net';
import { Client, ResultCodeError, type Entry, type SearchOptions } from 'ldapts';
import type { DirectoryServer } from './ldap-config.js';
import { endInTime, NoDirectory, openSocket } from './ldap-socket.js';

// Small, because of a page that goes beyond what the server allows nothing is told.
const PAGE_SIZE = 100;
const GOODBYE_WITHIN_MS = 1_000;
const ACTIVE_DIRECTORY = '1.2.840.113556.1.4.800';
/** Answers that say something of the server's state: another server may do better. */
const SERVER_TROUBLE: readonly number[] = [51, 52];

/** Did the directory answer, if with a refusal? Then neither another connection nor another server would do better. */
export const isAnswer = (error: unknown): error is ResultCodeError =>
  error instanceof ResultCodeError && !SERVER_TROUBLE.includes(error.code);

/** One entry that a search found; attribute names are compared without regard to case. */
export class Found {
  readonly dn: string;
  readonly #attributes: ReadonlyMap<string, Entry[string]>;

  constructor(entry: Entry) {
    this.dn = entry.dn;
    this.#attributes = new Map(Object.entries(entry).map(([name, value]) => [name.toLowerCase(), value]));
  }

  /** The values that are text. */
  texts(attribute: string): string[] {
    return [this.#attributes.get(attribute.toLowerCase()) ?? []]
      .flat()
      .filter((value): value is string => typeof value === 'string' && value !== '');
  }

  bytes(attribute: string): Buffer | undefined {
    return [this.#attributes.get(attribute.toLowerCase()) ?? []]
      .flat()
      .find((value) => Buffer.isBuffer(value));
  }
}

export interface ConnectionTimes {
  readonly connectMs: number;
  readonly operationMs: number;
}

/** One connection to one server. Whatever does not come in time ends it. */
export class LdapConnection {
  readonly server: DirectoryServer;
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #operationMs: number;
  #isActiveDirectory: Promise<boolean> | undefined;

  private constructor(server: DirectoryServer, socket: Socket, operationMs: number) {
    this.server = server;
    this.#socket = socket;
    this.#operationMs = operationMs;
    let isTaken = false;
    // It is handed the connection that we opened and checked. The client connects again by itself when one is lost, and would
    // go on unbound and unencrypted: so there is no second one.
    const give = (): Socket => {
      if (isTaken) throw new NoDirectory('the connection was lost');
      isTaken = true;
      return socket;
    };
    this.#client = new Client({ url: 'ldap://localhost', createConnection: give as typeof connect });
  }

  /** @throws NoDirectory, or what the system says of the connection or the certificate */
  static async open(
    server: DirectoryServer,
    ca: string | undefined,
    times: ConnectionTimes,
    signal: AbortSignal,
  ): Promise<LdapConnection> {
    const socket = await openSocket(server, { ca }, { signal, ms: times.connectMs });
    return new LdapConnection(server, socket, times.operationMs);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState === 'open';
  }

  /** Proves a password. @throws ResultCodeError when the directory refuses it */
  async bind(dn: string, password: string, signal: AbortSignal): Promise<void> {
    // A directory takes a bind without either for an anonymous one, and lets it succeed.
    if (dn === '' || password === '') throw new Error('a bind needs a name and a password');
    await this.#inTime(signal, () => this.#client.bind(dn, password));
  }

  /** What is found, at most as many as `limit`; more than that is a SizeLimitExceededError. */
  async search(base: string, options: SearchOptions, signal: AbortSignal): Promise<Found[]> {
    const timeLimit = Math.ceil(this.#operationMs / 1_000);
    const result = await this.#inTime(signal, () => this.#client.search(base, { timeLimit, ...options }));
    return result.searchEntries.map((entry) => new Found(entry));
  }

  /** What is found page by page, for as long as the caller goes on. */
  async *searchAll(base: string, options: SearchOptions, signal: AbortSignal): AsyncGenerator<Found> {
    const pages = this.#client.searchPaginated(base, { ...options, paged: { pageSize: PAGE_SIZE } });
    for (;;) {
      const page = await this.#inTime(signal, () => pages.next());
      if (page.done === true) return;
      for (const entry of page.value.searchEntries) yield new Found(entry);
    }
  }

  /** Is it an Active Directory, as far as it says itself? Asked once. */
  isActiveDirectory(signal: AbortSignal): Promise<boolean> {
    this.#isActiveDirectory ??= this.#hasCapability(ACTIVE_DIRECTORY, signal);
    return this.#isActiveDirectory;
  }

  async #hasCapability(id: string, signal: AbortSignal): Promise<boolean> {
    try {
      const attributes = ['supportedCapabilities'];
      const [root] = await this.search('', { scope: 'base', attributes }, signal);
      return root?.texts('supportedCapabilities').includes(id) ?? false;
    } catch (error) {
      if (isAnswer(error)) return false;
      throw error;
    }
  }

  /** Says goodbye when there is somebody to say it to, and does not wait long for it to be heard. */
  close(): void {
    if (!this.isOpen || !this.#client.isConnected) {
      this.#socket.destroy();
      return;
    }
    setTimeout(() => this.#socket.destroy(), GOODBYE_WITHIN_MS).unref();
    this.#client.unbind().catch(() => this.#socket.destroy());
  }

  async #inTime<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    let lateness: NoDirectory | undefined;
    const callOff = endInTime(signal, this.#operationMs, (reason) => {
      lateness = reason;
      // The client rejects what still waits on a connection that ends.
      this.#socket.destroy();
    });
    try {
      return await work();
    } catch (error) {
      throw lateness ?? error;
    } finally {
      callOff();
    }
  }
}
