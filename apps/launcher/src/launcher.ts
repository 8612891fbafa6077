import { join } from 'node:path';
import { readConfig } from './config.js';
import { type House, startHouse } from './house.js';
import { printer } from './printer.js';
import type { ServiceSpec } from './services.js';
import { table } from './table.js';

// npm passes on a Ctrl-C that the terminal has sent to us already: only a later one is a second one.
const SECOND_AFTER_MS = 700;
const LOOK_EVERY_MS = 300;

/**
 * What `npm start` does once everything is built: starts the house, says where it is, and ends it on Ctrl-C. Services can
 * be given for tests.
 */
export async function runLauncher(services?: readonly ServiceSpec[]): Promise<void> {
  const beganAt = performance.now();
  const out = (text: string): void => void process.stdout.write(text);
  const starting = new AbortController();
  let house: House | undefined;
  let askedAt: number | undefined;
  const { promise: asked, resolve: ask } = openPromise();

  const end = (): void => {
    if (askedAt !== undefined) return;
    askedAt = performance.now();
    out('\nending: services first, then servers (once more to end at once)\n');
    starting.abort(new Error('the start was called off'));
    ask();
  };
  const onSignal = (): void => {
    if (askedAt === undefined) return end();
    if (performance.now() - askedAt < SECOND_AFTER_MS) return;
    house?.abandon();
    process.exit(130);
  };
  // The terminal may go before us; what is left to say then is in the log files.
  process.stdout.on('error', () => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  try {
    const config = readConfig();
    if (config.isUnderNpm) whenParentEnds(end);
    // Lines of services wait until the table stands, so that it is in one piece.
    const waiting: string[] = [];
    let print = (text: string): void => void waiting.push(text);
    out(`lineclear is starting in ${config.home}\n`);
    house = await startHouse({
      home: config.home,
      port: config.port,
      print: printer((text) => print(text)),
      signal: starting.signal,
      ...(services && { services }),
    });
    out(welcome(house, config.home, performance.now() - beganAt));
    for (const text of waiting) out(text);
    print = out;
    await asked;
    await house.stop();
    out('ended\n');
    process.exit(0);
  } catch (error) {
    if (error === starting.signal.reason) process.exit(0);
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

function whenParentEnds(then: () => void): void {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && then(), LOOK_EVERY_MS).unref();
}

function openPromise(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function welcome({ url, adminKey, rows }: House, home: string, tookMs: number): string {
  const key = join(home, 'admin.key');
  return [
    '',
    table(rows),
    '',
    `  ready after   ${(tookMs / 1000).toFixed(1)} s`,
    `  open          ${url}   (API documents at ${url}/api/docs)`,
    adminKey === undefined
      ? '  key           the users of this house were not made by this start: use a key of yours'
      : `  key           ${key}   (of the user "admin"; its password is in ${join(home, 'admin.password')})`,
    `  try           curl -H "Authorization: Bearer $(cat ${key})" ${url}/api/queue`,
    '  end           Ctrl-C',
    '',
    '',
  ].join('\n');
}
