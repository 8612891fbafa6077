/** A server that this process runs and owns. */
export interface Server<Kind extends string = 'postgres' | 'redis' | 'nats'> {
  readonly kind: Kind;
  /** Where clients connect, with the credentials of the owner in it. */
  readonly url: string;
  readonly port: number;
  /** Where the program comes from and its version, for a human. */
  readonly how: string;
  /** The process that runs now; 0 while none does. */
  readonly pid: number;
  /** What the server prints goes here. */
  readonly logFile: string;
  /** Ends it in order; data stays. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; nothing happens when it runs. */
  start(): Promise<void>;
}

/** The end of a server that nobody asked for. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lastLines: string;
}

export interface ServerOptions {
  /** A folder for this one server: its data, log, pid file and passwords. Made when missing. */
  readonly dir: string;
  /** Without it a free port is chosen. */
  readonly port?: number;
  /** false: nothing waits for the disk, so data outlives a crash of the server but not of the machine (tests). Default true. */
  readonly durable?: boolean;
  /** Which sources may be tried, in order. Default: all that LINECLEAR_SERVER_SOURCES allows. */
  readonly sources?: readonly ('path' | 'npm' | 'deb' | 'js')[];
  /** Called when the server ends without stop() or kill(). */
  readonly onExit?: (exit: ServerExit) => void;
}

/** A program that was found for a server. */
export interface Program {
  readonly file: string;
  readonly how: string;
  readonly env?: Record<string, string>;
  /** Runs under Node instead of being a program of its own; such a one keeps nothing on disk. */
  readonly isScript?: boolean;
}
