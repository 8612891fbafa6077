const COLUMN = 16;

/** Prints lines of several processes on one terminal: each says whose it is, unless it is JSON, which says so itself. */
export function printer(write: (text: string) => void): (from: string, line: string) => void {
  return (from, line) => write(line.startsWith('{') ? `${line}\n` : `${from.padEnd(COLUMN)} ${line}\n`);
}
