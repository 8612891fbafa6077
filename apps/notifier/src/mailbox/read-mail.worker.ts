import { parentPort, workerData } from 'node:worker_threads';
import type { Ours } from '../replies/read-reply.js';
import { parseMail } from './parse-mail.js';

const { raw, ours } = workerData as { raw: Uint8Array; ours: Ours };
parentPort!.postMessage(await parseMail(Buffer.from(raw), ours));
