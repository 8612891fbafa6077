import type { Clock, Logger, Secret } from '@lineclear/kit';
import type { DirectoryServer } from './ldap-config.js';
import { isAnswer, LdapConnection, type ConnectionTimes } from './ldap-connection.js';
import { NoDirectory } from './ldap-socket.js';

// Directories and firewalls end idle connections by themselves; before that, and so that each server gets its turn again.
const IDLE_AT_MOST_MS = 60_000;

export interface PoolOptions {
  readonly servers: readonly DirectoryServer[];
  readonly ca: string | undefined;
  readonly times: ConnectionTimes;
  readonly size: number;
  readonly asideMs: number;
  readonly account: { readonly dn: string; readonly password: Secret };
  readonly clock: Clock;
  readonly log: Logger;
}

interface Idle {
  readonly connection: LdapConnection;
  readonly timer: NodeJS.Timeout;
}

/** Connections on which the searching account is logged in: at most so many at one time, on the first server that works. */
export class LdapPool {
  readonly #options: PoolOptions;
  readonly #idle: Idle[] = [];
  readonly #open = new Set<LdapConnection>();
  readonly #waiting: (() => void)[] = [];
  readonly #asideUntil = new Map<DirectoryServer, number>();
  #inUse = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Runs the work on a connection. One that was idle may have been ended by the server meanwhile, and a server may fail: then
   * the work begins anew on another. @throws what the directory answered, or NoDirectory with each server's reason
   */
  async use<Result>(
    signal: AbortSignal,
    work: (connection: LdapConnection) => Promise<Result>,
    { mayBeIdle = true } = {},
  ): Promise<Result> {
    await this.#enter(signal);
    try {
      const idle = mayBeIdle ? this.#takeIdle() : undefined;
      const outcome = idle && (await this.#attempt(signal, () => Promise.resolve(idle), work));
      return outcome?.done === true ? outcome.result : await this.#onSomeServer(signal, work);
    } finally {
      this.#leave();
    }
  }

  /** A connection of the caller's own to that server, on which nobody is logged in. */
  async openAnother(server: DirectoryServer, signal: AbortSignal): Promise<LdapConnection> {
    const { ca, times } = this.#options;
    const connection = await LdapConnection.open(server, ca, times, signal);
    this.#open.add(connection);
    if (this.#isClosed) this.discard(connection);
    return connection;
  }

  discard(connection: LdapConnection): void {
    this.#open.delete(connection);
    connection.close();
  }

  /** Ends every connection, also those in use. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    for (const connection of this.#open) this.discard(connection);
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  async #onSomeServer<Result>(
    signal: AbortSignal,
    work: (connection: LdapConnection) => Promise<Result>,
  ): Promise<Result> {
    const reasons: string[] = [];
    for (const server of this.#inOrder()) {
      if (signal.aborted || this.#isClosed) break;
      const outcome = await this.#attempt(signal, () => this.#openBound(server, signal), work);
      if (outcome.done) {
        this.#asideUntil.delete(server);
        return outcome.result;
      }
      const reason = reasonOf(outcome.error);
      reasons.push(`${server.url}: ${reason}`);
      if (this.#isClosed) break;
      this.#asideUntil.set(server, this.#now() + this.#options.asideMs);
      this.#options.log.warn({ server: server.url, reason }, 'a directory server fails and is set aside');
    }
    throw new NoDirectory(reasons.join('; ') || 'no answer in time');
  }

  /** An answer of the directory, good or bad, is the outcome; anything else is a failure of the connection, which ends. */
  async #attempt<Result>(
    signal: AbortSignal,
    open: () => Promise<LdapConnection>,
    work: (connection: LdapConnection) => Promise<Result>,
  ): Promise<{ done: true; result: Result } | { done: false; error: unknown }> {
    let connection: LdapConnection | undefined;
    try {
      connection = await open();
      const result = await work(connection);
      this.#keep(connection);
      return { done: true, result };
    } catch (error) {
      if (connection && isAnswer(error)) this.#keep(connection);
      else if (connection) this.discard(connection);
      if (isAnswer(error) || error instanceof AccountRefused) throw error;
      return { done: false, error };
    }
  }

  async #openBound(server: DirectoryServer, signal: AbortSignal): Promise<LdapConnection> {
    const connection = await this.openAnother(server, signal);
    try {
      await connection.bind(this.#options.account.dn, this.#options.account.password.reveal(), signal);
      return connection;
    } catch (error) {
      this.discard(connection);
      // Asking the other servers would spend the same wrong password again, and lock the account.
      throw isAnswer(error) ? new AccountRefused(error) : error;
    }
  }

  /** Servers that failed a while ago come last: they are asked when no other works. */
  #inOrder(): DirectoryServer[] {
    const isAside = (server: DirectoryServer): boolean => (this.#asideUntil.get(server) ?? 0) > this.#now();
    const { servers } = this.#options;
    return [...servers.filter((server) => !isAside(server)), ...servers.filter(isAside)];
  }

  #takeIdle(): LdapConnection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.connection.isOpen) return idle.connection;
      this.discard(idle.connection);
    }
    return undefined;
  }

  #keep(connection: LdapConnection): void {
    if (this.#isClosed || !connection.isOpen) return this.discard(connection);
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((idle) => idle.connection === connection);
      if (index >= 0) this.#idle.splice(index, 1);
      this.discard(connection);
    }, IDLE_AT_MOST_MS).unref();
    this.#idle.push({ connection, timer });
  }

  async #enter(signal: AbortSignal): Promise<void> {
    while (this.#inUse >= this.#options.size && !signal.aborted && !this.#isClosed) {
      await new Promise<void>((goOn) => {
        const next = (): void => {
          signal.removeEventListener('abort', next);
          const index = this.#waiting.indexOf(next);
          if (index >= 0) this.#waiting.splice(index, 1);
          goOn();
        };
        this.#waiting.push(next);
        signal.addEventListener('abort', next, { once: true });
      });
    }
    if (this.#isClosed) throw new NoDirectory('closed');
    if (signal.aborted) {
      // It may have been called because one came free: then that one is for the next.
      if (this.#inUse < this.#options.size) this.#waiting[0]?.();
      throw new NoDirectory('no connection came free in time');
    }
    this.#inUse += 1;
  }

  #leave(): void {
    this.#inUse -= 1;
    this.#waiting[0]?.();
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** The directory does not let the searching account in: a matter of the configuration, not of who wants in. */
export class AccountRefused extends NoDirectory {
  constructor(cause: Error) {
    super(`the account of bind_dn is refused: ${reasonOf(cause)}`, { cause });
  }
}

const MAX_REASON_LENGTH = 300;

/** What an error says, in one bounded line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  const named = typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text;
  return named
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON_LENGTH);
}
