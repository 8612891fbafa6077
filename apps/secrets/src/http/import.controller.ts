import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Allow, can, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, NotAllowed } from '@lineclear/kit';
import type { z } from 'zod';
import { named, type ImportEntry } from '../imports/entry.js';
import { readImport } from '../imports/read-import.js';
import { readBelow } from '../imports/vault-paths.js';
import { OpenVault } from '../vault/open-vault.js';
import { readCredentialRows } from '../imports/simpletuner.js';
import { Malformed } from '../domain/secrets-file.js';
import { ImportSecrets, type Imported } from '../store/import-secrets.js';
import { importAnswer, importBody } from './import-schemas.js';
import { scopeOf } from './scopes.js';

const MAX_ENTRIES = 1_000;
const MAX_TOLD_KEY = 200;
type ImportBody = z.infer<typeof importBody>;
type Told = z.infer<typeof importAnswer>['entries'][number];

/** Takes secrets over from elsewhere. Values go in and never come out, as everywhere. */
@Controller('api/secrets/-/import')
export class ImportController {
  constructor(
    private readonly imports: ImportSecrets,
    private readonly clock: Clock,
    private readonly opened: OpenVault,
  ) {}

  @Post()
  @HttpCode(200)
  @Allow()
  @Answers(
    200,
    importAnswer,
    'Imports secrets from a file, from rows of SimpleTuner, or from Vault, or with dry_run tells what that would change',
  )
  async import(
    @Body({ schema: importBody }) body: ImportBody,
    @Who() who: Principal,
  ): Promise<z.infer<typeof importAnswer>> {
    const scope = scopeOf(who, body, 'set');
    const { format, overwrite, dry_run: dryRun } = body;
    if (format === 'vault' && !can(who, 'admin.config'))
      throw new NotAllowed("this needs admin.config: it reads the house's Vault");
    const entries = named(await this.#entries(body));
    if (entries.length > MAX_ENTRIES)
      throw BadInput.at('content', `has more than ${MAX_ENTRIES} secrets: import it in parts`);
    const imported = await this.imports.run({
      scope,
      format,
      entries,
      overwrite,
      dryRun,
      byUserId: who.user_id,
    });
    return { dry_run: dryRun, entries: imported.map(toldOf) };
  }

  async #entries(body: ImportBody): Promise<ImportEntry[]> {
    const { format, content = '', path = '', rows, credential_key, from_user_id } = body;
    if (format === 'vault') return this.#fromVault(path);
    if (rows)
      return readCredentialRows(rows, {
        credentialKey: credential_key,
        only: from_user_id,
        now: this.clock.now(),
      });
    try {
      return readImport(format, content);
    } catch (error) {
      if (error instanceof Malformed) throw BadInput.at('content', error.message);
      // As deep as no file of secrets is.
      if (error instanceof RangeError) throw BadInput.at('content', 'is nested too deeply');
      throw error;
    }
  }

  async #fromVault(path: string): Promise<ImportEntry[]> {
    const { vault } = this.opened;
    if (!vault) throw BadInput.at('format', 'needs a Vault: VAULT_ADDR is not set');
    try {
      return await readBelow(vault.kv, vault.mount, path);
    } catch (error) {
      if (error instanceof Malformed) throw BadInput.at('path', error.message);
      throw error;
    }
  }
}

const toldOf = ({ entry: { name, key, fault, warnings = [] }, outcome, version }: Imported): Told => ({
  name,
  ...(key === name ? {} : { key: key.slice(0, MAX_TOLD_KEY) }),
  outcome,
  ...(version === undefined ? {} : { version }),
  ...(fault === undefined ? {} : { why: fault.slice(0, 300) }),
  ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
});
