import { Worker } from 'node:worker_threads';
import { MAIL_READER } from '../config.js';
import type { Ours } from '../replies/read-reply.js';
import type { ParsedMail } from './parse-mail.js';

const LIMITS = { maxOldGenerationSizeMb: 192, stackSizeMb: 4 };

/**
 * Parses a mail in a thread of its own: what strangers wrote can take its time and memory, and no others.
 * @throws when the thread does not come to its end, within the time or at all
 */
export async function parseInWorker(
  raw: Buffer,
  ours: Ours,
  limitMs = 10_000,
): Promise<ParsedMail | { readonly refused: string }> {
  // Nothing of the process's own environment: there are secrets in it.
  const worker = new Worker(MAIL_READER, {
    workerData: { raw, ours },
    env: {},
    execArgv: [],
    resourceLimits: LIMITS,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`reading it took more than ${limitMs} ms`)), limitMs);
      worker.once('message', resolve);
      worker.once('error', (error) => reject(new Error('reading it failed', { cause: error })));
      worker.once('exit', () => reject(new Error('reading it came to no end')));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
