import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Database, NotFound } from '@lineclear/kit';
import type { z } from 'zod';
import { findSecretId } from '../db/secrets.repo.js';
import { acceptedAs, aliasesOf, sharesFor, sharesOf } from '../db/shares.repo.js';
import { orgScope, teamScope, userScope } from '../domain/scopes.js';
import { EVERYONE } from '../domain/shares.js';
import { RenameSecret } from '../store/rename-secret.js';
import { Shares } from '../store/shares.js';
import { publicScope, scopeOf, scopeWithPerson } from './scopes.js';
import { nameParam, scopeQuery, settableNameParam } from './secret-schemas.js';
import * as schemas from './share-schemas.js';

/** Secrets that others may use, under names that they give them. */
@Controller('api/secrets')
export class SharesController {
  constructor(
    private readonly shares: Shares,
    private readonly renames: RenameSecret,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Post(':name/shares')
  @Allow()
  @Answers(
    201,
    schemas.shareAnswer,
    'Shares a secret, or sets another access or end for a share that is there',
  )
  async share(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: schemas.shareBody }) body: z.infer<typeof schemas.shareBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.shareAnswer>> {
    const which = { scope: scopeOf(who, body, 'set'), name, byUserId: who.user_id };
    const expiresAt = body.expires_at === undefined ? null : new Date(body.expires_at);
    if (expiresAt !== null && expiresAt <= this.clock.now())
      throw BadInput.at('expires_at', 'is not in the future');
    const receiver = body.to === 'everyone' ? EVERYONE : `${body.to}:${body.id}`;
    const id = await this.shares.share(which, { receiver, access: body.access, expiresAt });
    return { id };
  }

  @Get(':name/shares')
  @Allow()
  @Answers(
    200,
    schemas.sharesAnswer,
    'Lists with whom a secret is shared, and under which names they know it',
  )
  async list(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.sharesAnswer>> {
    const found = await findSecretId(this.database, scopeOf(who, query, 'set'), name);
    if (!found) throw new NotFound('secret', name);
    const [shares, aliases] = await Promise.all([
      sharesOf(this.database, found.id),
      aliasesOf(this.database, found.id),
    ]);
    return {
      shares: shares.map(({ id, receiver, access, expires_at, created_at, created_by }) => ({
        id,
        ...receiverOf(receiver),
        access,
        ...(expires_at === null ? {} : { expires_at: expires_at.toISOString() }),
        created_at: created_at.toISOString(),
        created_by,
        accepted_as: aliases
          .filter(({ share_id }) => share_id === id)
          .map((alias) => ({ name: alias.name, ...scopeWithPerson(alias.scope) })),
      })),
    };
  }

  @Delete(':name/shares/:id')
  @Allow()
  @Answers(204, null, 'Ends a share at once, under every name that it has')
  async revoke(
    @Param('name', { schema: settableNameParam }) name: string,
    @Param('id', { schema: schemas.idParam }) id: number,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<void> {
    await this.shares.revoke({ scope: scopeOf(who, query, 'set'), name, byUserId: who.user_id }, id);
  }

  @Get('-/shared')
  @Allow('job.submit')
  @Answers(
    200,
    schemas.sharedAnswer,
    'Lists what others share with the caller, their teams and their organisation',
  )
  async shared(
    @Query({ schema: schemas.sharedQuery }) query: z.infer<typeof schemas.sharedQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.sharedAnswer>> {
    const mine = userScope(who.user_id);
    const scopes = [
      mine,
      ...(who.teams ?? []).map(({ id }) => teamScope(id)),
      ...(who.org ? [orgScope(who.org.id)] : []),
    ];
    const page = { after: query.cursor ?? 0, limit: query.limit + 1 };
    const found = await sharesFor(this.database, [...scopes, EVERYONE], [mine], this.clock.now(), page);
    const shares = found.slice(0, query.limit);
    const ids = shares.map(({ id }) => id);
    const aliases = await acceptedAs(this.database, ids, scopes);
    const last = found.length > query.limit ? shares.at(-1) : undefined;
    return {
      shares: shares.map(({ id, receiver, access, expires_at, owner_name, owner_scope, description }) => ({
        id,
        name: owner_name,
        from: scopeWithPerson(owner_scope),
        ...receiverOf(receiver),
        access,
        ...(description === null ? {} : { description }),
        ...(expires_at === null ? {} : { expires_at: expires_at.toISOString() }),
        accepted_as: aliases
          .filter(({ share_id }) => share_id === id)
          .map((alias) => ({ name: alias.name, ...publicScope(alias.scope) })),
      })),
      ...(last ? { next_cursor: last.id } : {}),
    };
  }

  @Post('-/shared/:id/accept')
  @Allow()
  @Answers(201, schemas.acceptAnswer, 'Gives what is shared a name, by which jobs get it')
  async accept(
    @Param('id', { schema: schemas.idParam }) id: number,
    @Body({ schema: schemas.acceptBody }) body: z.infer<typeof schemas.acceptBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.acceptAnswer>> {
    const scope = scopeOf(who, body, 'set');
    const name = await this.shares.accept(id, scope, body.as, who.user_id);
    return { name, ...publicScope(scope) };
  }

  @Post(':name/rename')
  @Allow()
  @Answers(201, schemas.renameAnswer, 'Gives a secret another name, with all its versions')
  async rename(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: schemas.renameBody }) body: z.infer<typeof schemas.renameBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.renameAnswer>> {
    const which = { scope: scopeOf(who, body, 'set'), name, byUserId: who.user_id };
    if (body.to === name) throw BadInput.at('to', 'is its name');
    const { version } = await this.renames.rename(which, body.to);
    return { name: body.to, ...publicScope(which.scope), version };
  }
}

const receiverOf = (receiver: string): { to: z.infer<typeof schemas.to>; to_id?: number } => {
  const [kind = '', id] = receiver.split(':');
  return { to: kind as z.infer<typeof schemas.to>, ...(id === undefined ? {} : { to_id: Number(id) }) };
};
