import { Controller, Get, Param } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import { Answers, Database, NotFound, TooMany, Unavailable } from '@lineclear/kit';
import { z } from 'zod';
import { ProviderFailure, type Adapter, type Listed } from '../adapters/adapter.js';
import { SweptRunsRepo } from '../db/swept-runs.repo.js';
import { REMOTE_STATES } from '../domain/run.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { Providers } from '../providers/providers.js';

const MAX_SHOWN = 500;
const answer = z.object({
  discovered: z.array(
    z.object({
      external_id: z.string(),
      /** What people call it there. */
      title: z.string().nullable(),
      /** Null for a word of the provider's that is not known here. */
      state: z.enum(REMOTE_STATES).nullable(),
      created_at: z.iso.datetime().nullable(),
    }),
  ),
  total: z.int(),
});

/** What goes on at a provider that was not started here. */
@Controller('api/cloud/providers')
export class DiscoveredController {
  constructor(
    private readonly database: Database,
    private readonly providers: Providers,
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly runs: SweptRunsRepo,
  ) {}

  @Get(':provider/discovered')
  @Allow('admin.config')
  @Answers(
    200,
    answer,
    'Lists what a provider shows to the credential that everybody shares and was not started here, the newest first',
  )
  async list(@Param('provider', { schema: fields.provider }) name: string): Promise<z.infer<typeof answer>> {
    const adapter = this.providers.get(name);
    if (!adapter?.list) throw new NotFound('provider that lists', name);
    const foreign = (await this.#listed(adapter)).filter(({ runKey }) => runKey === undefined);
    // Not every list shows our key, and none for ever.
    const ours = await this.runs.known(
      this.database,
      name,
      foreign.map(({ externalId }) => externalId),
    );
    const found = foreign
      .filter(({ externalId }) => !ours.has(externalId))
      .toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0));
    return { discovered: found.slice(0, MAX_SHOWN).map(shown), total: found.length };
  }

  async #listed(adapter: Adapter): Promise<readonly Listed[]> {
    try {
      const { credential, account } = await this.credentials.ofHouse(adapter);
      const nextPage = (): Promise<void> => this.calls.nextPage(adapter, account);
      const list = async (): Promise<readonly Listed[]> =>
        (await adapter.list?.([], credential, nextPage)) ?? [];
      return await this.calls.makeOn(adapter, account, 'list', list);
    } catch (cause) {
      if (cause instanceof Later) throw new TooMany(cause.message, cause.waitMs / 1_000);
      if (cause instanceof MissingSecrets)
        throw new NotFound('credential that everybody shares of', adapter.name);
      // Not its words: a list may show what any run of the account was given.
      if (cause instanceof ProviderFailure)
        throw new Unavailable(`${adapter.name} could not be listed: ${cause.kind}`);
      throw cause;
    }
  }
}

const shown = ({ externalId, title, seen, createdAt }: Listed) => ({
  external_id: externalId,
  title: title?.slice(0, 200) ?? null,
  state: seen.state ?? null,
  created_at: createdAt === undefined || Number.isNaN(createdAt.getTime()) ? null : createdAt.toISOString(),
});
