import { listAnswer } from './answers.js';
import type { Api } from './api.js';
import { CliError } from './domain/cli-error.js';
import type { z } from 'zod';

const PAGE = 200;
const MAX_PAGES = 500;

export type StoredSecret = z.infer<typeof listAnswer>['secrets'][number];
export type Scope = StoredSecret['scope'];

/** All secrets of a scope, by name. @throws CliError */
export async function storedSecrets(api: Api, scope: Scope, removed = false): Promise<StoredSecret[]> {
  const all: StoredSecret[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { scope, limit: PAGE, cursor, removed: removed || undefined };
    const { secrets, next_cursor } = await api.ask('GET', '/api/secrets', listAnswer, { query });
    all.push(...secrets);
    if (next_cursor === undefined) return all;
    cursor = next_cursor;
  }
  throw new CliError('there are more secrets than this command can list');
}
