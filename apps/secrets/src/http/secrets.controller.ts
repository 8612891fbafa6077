import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { Principal } from '@lineclear/contracts';
import { Allow, can, Who } from '@lineclear/access';
import { Answers, Database, NotAllowed, NotFound } from '@lineclear/kit';
import type { z } from 'zod';
import { countSecrets, findSecret, listSecrets, type SecretSummary } from '../db/secrets.repo.js';
import { GLOBAL, isChannelName, userScope, type Asker } from '../domain/lookup.js';
import { OwnStore } from '../sources/own-store.js';
import { SourceChain } from '../sources/source-chain.js';
import {
  explainAnswer,
  listAnswer,
  listQuery,
  nameParam,
  scopeQuery,
  secretAnswer,
  setAnswer,
  setSecret,
  settableNameParam,
  type Scope,
} from './secret-schemas.js';

/** Secrets by name. A value goes in here and never comes out. */
@Controller('api/secrets')
export class SecretsController {
  constructor(
    private readonly store: OwnStore,
    private readonly chain: SourceChain,
    private readonly database: Database,
  ) {}

  @Post()
  @Allow()
  @Answers(201, setAnswer, 'Sets a secret: its first version, or the next one')
  async set(
    @Body({ schema: setSecret }) body: z.infer<typeof setSecret>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof setAnswer>> {
    const scope = scopeOf(who, body.scope);
    const { name, value, description } = body;
    const { version, createdAt } = await this.store.put({
      scope,
      name,
      value,
      description,
      byUserId: who.user_id,
    });
    return { name, scope: body.scope, version, created_at: createdAt.toISOString() };
  }

  @Get()
  @Allow()
  @Answers(200, listAnswer, 'Lists stored secrets by name, without their values')
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof listAnswer>> {
    const scope = scopeOf(who, query.scope);
    const [rows, total] = await Promise.all([
      listSecrets(this.database, scope, query.cursor ?? '', query.limit + 1),
      countSecrets(this.database, scope),
    ]);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const secrets = await Promise.all(page.map((row) => this.#describe(row, query.scope, who)));
    return { secrets, total, ...(last ? { next_cursor: last.name } : {}) };
  }

  @Get(':name')
  @Allow()
  @Answers(200, secretAnswer, 'Describes a stored secret, without its value')
  async show(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof secretAnswer>> {
    const row = await findSecret(this.database, scopeOf(who, query.scope), name);
    if (!row) throw new NotFound('secret', name);
    return this.#describe(row, query.scope, who);
  }

  @Get(':name/explain')
  @Allow()
  @Answers(
    200,
    explainAnswer,
    'Tells which sources are asked for a name, in order, and which has it, without its value',
  )
  async explain(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof explainAnswer>> {
    scopeOf(who, query.scope);
    const tried = await this.chain.explain(name, askerOf(who, query.scope, name));
    const sources = tried.map((place) => ({ ...place, scope: publicScope(place.scope) }));
    const first = sources.find((place) => place.has);
    return { name, found_in: first ? { source: first.source, scope: first.scope } : null, sources };
  }

  @Delete(':name')
  @Allow()
  @Answers(204, null, 'Removes a stored secret with all its versions')
  async remove(
    @Param('name', { schema: settableNameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<void> {
    if (!(await this.store.remove(scopeOf(who, query.scope), name, who.user_id)))
      throw new NotFound('secret', name);
  }

  async #describe(row: SecretSummary, scope: Scope, who: Principal): Promise<z.infer<typeof secretAnswer>> {
    return {
      name: row.name,
      scope,
      version: row.version,
      ...(row.description === null ? {} : { description: row.description }),
      source: await this.chain.winner(row.name, askerOf(who, scope, row.name), {
        source: 'store',
        scope: row.scope,
      }),
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    };
  }
}

/** The scope a caller may act in. One's own takes what submitting a job takes, everybody's takes an administrator. */
function scopeOf(who: Principal, scope: Scope): string {
  const permission = scope === 'user' ? 'job.submit' : 'admin.config';
  if (can(who, permission)) return scope === 'user' ? userScope(who.user_id) : GLOBAL;
  throw new NotAllowed(
    `this needs the permission ${permission}${scope === 'global' ? '; secrets of your own have scope "user"' : ''}`,
  );
}

/** Whose eyes a name is looked at with: one's own secrets are for one's own jobs. */
function askerOf(who: Principal, scope: Scope, name: string): Asker {
  if (scope === 'user') return { purpose: 'run', userId: who.user_id };
  return { purpose: isChannelName(name) ? 'channel' : 'provider' };
}

const publicScope = (scope: string): Scope => (scope === GLOBAL ? 'global' : 'user');
