import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Level, Principal } from '@lineclear/contracts';
import { Allow, Who } from '@lineclear/access';
import { Answers, BadInput, Clock, Database, NotFound, type Tx } from '@lineclear/kit';
import type { z } from 'zod';
import { countSecrets, findSecret, listSecrets, type SecretSummary } from '../db/secrets.repo.js';
import { earliest } from '../domain/break-glass.js';
import { freshnessOf } from '../domain/freshness.js';
import { isChannelName, type Asker } from '../domain/lookup.js';
import { readScope } from '../domain/scopes.js';
import { KeepInFile } from '../sources/keep-in-file.js';
import { SourceChain, winnerOf, type Tried } from '../sources/source-chain.js';
import { ChangeSecrets } from '../store/change-secrets.js';
import { Shares } from '../store/shares.js';
import { SecretSettings } from '../store/secret-settings.js';
import { peopleOf, publicScope, scopeOf } from './scopes.js';
import {
  changeSecret,
  explainAnswer,
  listAnswer,
  listQuery,
  nameParam,
  removeQuery,
  scopeQuery,
  secretAnswer,
  setAnswer,
  setSecret,
  settableNameParam,
} from './secret-schemas.js';

/** Secrets by name. A value goes in here and does not come out here. */
@Controller('api/secrets')
export class SecretsController {
  constructor(
    private readonly change: ChangeSecrets,
    private readonly settings: SecretSettings,
    private readonly shares: Shares,
    private readonly file: KeepInFile,
    private readonly chain: SourceChain,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Post()
  @Allow()
  @Answers(201, setAnswer, 'Sets a secret: its first version, or the next one')
  async set(
    @Body({ schema: setSecret }) body: z.infer<typeof setSecret>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof setAnswer>> {
    const scope = scopeOf(who, body, 'set');
    const { name, value, description, source, template: isTemplate, expected_version: expected } = body;
    const expiresAt = this.#future(body.expires_at);
    refuseBeyond(who, body.approval_level);
    const byUserId = who.user_id;
    const secret = { scope, name, value, isTemplate, description, expiresAt, expected, byUserId };
    const kept: { createdAt: Date; version?: number } =
      source === 'file'
        ? await this.file.put(name, value)
        : await this.change.put({ ...secret, throughShare: true }, (tx) => this.#demand(tx, scope, body));
    const winner = await this.chain.winner(name, askerOf(who, scope, name), { source, scope });
    return {
      name,
      ...publicScope(scope),
      ...(kept.version === undefined ? {} : { version: kept.version }),
      created_at: kept.createdAt.toISOString(),
      ...(winner === undefined || winner === source ? {} : { hidden_by: winner }),
    };
  }

  @Get()
  @Allow()
  @Answers(200, listAnswer, 'Lists stored secrets by name, without their values')
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof listAnswer>> {
    const scope = scopeOf(who, query, 'read');
    const [rows, total] = await Promise.all([
      listSecrets(this.database, scope, {
        after: query.cursor ?? '',
        limit: query.limit + 1,
        removed: query.removed,
      }),
      countSecrets(this.database, scope, query.removed),
    ]);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const secrets = await Promise.all(page.map((row) => this.#describe(row, who)));
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
    const row = await findSecret(this.database, scopeOf(who, query, 'read'), name);
    if (!row) throw new NotFound('secret', name);
    return this.#describe(row, who);
  }

  @Patch(':name')
  @Allow()
  @Answers(
    200,
    secretAnswer,
    'Changes what is set for a stored secret beside its value; what is not said stays',
  )
  async changeSettings(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: changeSecret }) body: z.infer<typeof changeSecret>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof secretAnswer>> {
    const scope = scopeOf(who, body, 'set');
    refuseBeyond(who, body.approval_level);
    await this.settings.change(scope, name, {
      description: body.description,
      expiresAt: body.expires_at === null ? null : this.#future(body.expires_at),
      requiresApproval: body.requires_approval,
      approvalLevel: body.approval_level,
    });
    const row = await findSecret(this.database, scope, name);
    if (!row) throw new NotFound('secret', name);
    return this.#describe(row, who);
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
    const scope = scopeOf(who, query, 'read');
    const tried = await this.chain.explain(name, askerOf(who, scope, name));
    const winner = winnerOf(tried);
    return {
      name,
      found_in: winner ? { source: winner.source, ...publicScope(winner.scope) } : null,
      sources: tried.map(explained),
    };
  }

  @Delete(':name')
  @Allow()
  @Answers(
    204,
    null,
    'Removes a stored secret, which can be had back for a while, with purge=true for good; or one from the file',
  )
  async remove(
    @Param('name', { schema: settableNameParam }) name: string,
    @Query({ schema: removeQuery }) query: z.infer<typeof removeQuery>,
    @Who() who: Principal,
  ): Promise<void> {
    const which = { scope: scopeOf(who, query, 'set'), name, byUserId: who.user_id };
    const found = await (query.source === 'file'
      ? this.file.remove(name)
      : query.purge
        ? this.change.purge(which)
        : (await this.change.remove(which)) || this.shares.drop(which));
    if (!found) throw new NotFound('secret', name);
  }

  /** Sets with a new version whether it takes an approval, where that was said. */
  async #demand(tx: Tx, scope: string, body: z.infer<typeof setSecret>): Promise<void> {
    const { name, requires_approval: requiresApproval, approval_level: approvalLevel } = body;
    if (requiresApproval !== undefined)
      await this.settings.apply(tx, scope, name, { requiresApproval, approvalLevel });
  }

  #future(text: string | undefined): Date | undefined {
    if (text === undefined) return undefined;
    const at = new Date(text);
    if (at <= this.clock.now()) throw BadInput.at('expires_at', 'is not in the future');
    return at;
  }

  async #describe(row: SecretSummary, who: Principal): Promise<z.infer<typeof secretAnswer>> {
    const place = { source: 'store', scope: row.scope } as const;
    const source = await this.chain.winner(row.name, askerOf(who, row.scope, row.name), place);
    return {
      name: row.name,
      ...publicScope(row.scope),
      version: row.version,
      ...(row.description === null ? {} : { description: row.description }),
      ...(source === undefined ? {} : { source }),
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      ...(row.expires_at === null ? {} : { expires_at: row.expires_at.toISOString() }),
      requires_approval: row.approval_level !== null,
      ...(row.approval_level === null ? {} : { approval_level: row.approval_level }),
      ...(row.must_rotate_by === null ? {} : { must_rotate_by: row.must_rotate_by.toISOString() }),
      ...(row.deleted_at === null ? {} : { removed_at: row.deleted_at.toISOString() }),
      freshness: freshnessOf(row.updated_at, earliest(row.expires_at, row.must_rotate_by), this.clock.now()),
    };
  }
}

/** Nobody demands an approval by a level that is above theirs, or that is not there. @throws BadInput */
function refuseBeyond({ reaches }: Principal, level: Level | undefined): void {
  if (level !== undefined && !reaches.includes(level))
    throw BadInput.at('approval_level', 'is not a level that you reach');
}

/** Whose eyes a name is looked at with: one's own secrets are for one's own jobs, a team's for those of its people. */
function askerOf(who: Principal, scopeText: string, name: string): Asker {
  const scope = readScope(scopeText);
  if (scope.kind !== 'global') return { purpose: 'run', ...peopleOf(who, scope) };
  return { purpose: isChannelName(name) ? 'channel' : 'provider' };
}

const explained = (tried: Tried): z.infer<typeof explainAnswer>['sources'][number] => {
  const { scope, versionId, cacheAgeSeconds, ...rest } = tried;
  return {
    ...rest,
    ...publicScope(scope),
    ...(versionId === undefined ? {} : { version_id: versionId }),
    ...(cacheAgeSeconds === undefined ? {} : { cache_age_seconds: cacheAgeSeconds }),
  };
};
