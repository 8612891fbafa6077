import { SealingKey } from '@lineclear/kit/seal';
import { z } from 'zod';
import { revealAnswer } from './answers.js';
import type { Api } from './api.js';
import { CliError } from './domain/cli-error.js';
import type { Scope } from './stored-names.js';

/** As many names as the API takes at once. */
const MAX_NAMES = 100;
const opened = z.record(z.string().max(128), z.string().max(300_000));

/** The values of these names that are in the store. They come sealed to a key that lives for this question alone. @throws CliError */
export async function revealed(
  api: Api,
  scope: Scope,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const key = new SealingKey();
  const values = new Map<string, string>();
  for (let n = 0; n < names.length; n += MAX_NAMES) {
    const body = { names: names.slice(n, n + MAX_NAMES), scope, public_key: key.publicKey };
    const { box } = await api.ask('POST', '/api/secrets/-/reveal', revealAnswer, { body });
    if (!box) continue;
    for (const [name, value] of Object.entries(await openedBy(key, box))) values.set(name, value);
  }
  return values;
}

async function openedBy(key: SealingKey, box: string): Promise<z.infer<typeof opened>> {
  try {
    return opened.parse(JSON.parse(await key.open(box)));
  } catch {
    throw new CliError('the answer was not sealed for this question');
  }
}
