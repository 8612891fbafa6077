import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { SignedLink } from '../domain/audit-chain.js';

const link = z.strictObject({
  seq: z.int().min(0),
  mac: z.string().max(64),
  at: z.string().max(40),
  signature: z.string().max(64),
});

/** Adds a head to the file, in one write: several replicas may share it. */
export async function keepHead(path: string, head: SignedLink): Promise<void> {
  const { seq, mac, at, signature } = head;
  await appendFile(path, `${JSON.stringify({ seq, mac, at, signature })}\n`, { mode: 0o600 });
}

/** The heads in the file, one by one; for a line that is none, nothing. */
export async function* keptHeads(path: string): AsyncGenerator<SignedLink | undefined> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  try {
    for await (const line of lines) yield parsed(line);
  } catch (error) {
    // Nothing was kept yet.
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
  }
}

function parsed(line: string): SignedLink | undefined {
  try {
    return link.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
