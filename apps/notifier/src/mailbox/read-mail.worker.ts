import { parentPort } from 'node:worker_threads';
import type { Ours } from '../replies/read-reply.js';
import { parseMail } from './parse-mail.js';

async function answer({ raw, ours }: { raw: Uint8Array; ours: Ours }): Promise<void> {
  parentPort!.postMessage(await parseMail(Buffer.from(raw), ours));
}

// What it fails at ends the thread: whoever started it is told why.
parentPort!.on('message', (mail: { raw: Uint8Array; ours: Ours }) => void answer(mail));
