import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import type { z } from 'zod';
import { findSecretId } from '../db/secrets.repo.js';
import { latestChanges, listVersions } from '../db/versions.repo.js';
import { ChangeSecrets } from '../store/change-secrets.js';
import { publicScope, scopeOf } from './scopes.js';
import {
  historyAnswer,
  historyQuery,
  nameParam,
  rollbackBody,
  scopeBody,
  scopeQuery,
  setAnswer,
  settableNameParam,
  undeleteAnswer,
  versionsAnswer,
} from './secret-schemas.js';

/** What a secret was before, and the way back to it. */
@Controller('api/secrets/:name')
export class VersionsController {
  constructor(
    private readonly change: ChangeSecrets,
    private readonly database: Database,
  ) {}

  @Get('versions')
  @Allow()
  @Answers(
    200,
    versionsAnswer,
    'Lists the versions of a secret that are kept, newest first, without their values',
  )
  async versions(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof versionsAnswer>> {
    const { id, version: current } = await this.#find(scopeOf(who, query, 'read'), name);
    const versions = await listVersions(this.database, id);
    const print = versions.find(({ version }) => version === current)?.fingerprint;
    return {
      name,
      current_version: current,
      versions: versions.map(({ version, created_at, created_by, fingerprint, is_template }) => ({
        version,
        created_at: created_at.toISOString(),
        ...(created_by === null ? {} : { created_by }),
        is_same_as_current: version === current || Boolean(print && fingerprint?.equals(print)),
        is_template,
      })),
    };
  }

  @Get('history')
  @Allow()
  @Answers(200, historyAnswer, 'Tells what became of a secret, newest first')
  async history(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: historyQuery }) query: z.infer<typeof historyQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof historyAnswer>> {
    const { id } = await this.#find(scopeOf(who, query, 'read'), name);
    const changes = await latestChanges(this.database, id, query.limit);
    return {
      name,
      changes: changes.map(({ at, kind, version, ofVersion, byUser }) => ({
        at: at.toISOString(),
        kind,
        version,
        ...(ofVersion === null ? {} : { of_version: ofVersion }),
        ...(byUser === null ? {} : { by_user_id: byUser }),
      })),
    };
  }

  @Post('rollback')
  @Allow()
  @Answers(201, setAnswer, 'Makes the value of an older version the newest version')
  async rollback(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: rollbackBody }) body: z.infer<typeof rollbackBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof setAnswer>> {
    const which = { scope: scopeOf(who, body, 'set'), name, byUserId: who.user_id };
    const { version, createdAt } = await this.change.rollback(which, body.version);
    return { name, ...publicScope(which.scope), version, created_at: createdAt.toISOString() };
  }

  @Post('undelete')
  @HttpCode(200)
  @Allow()
  @Answers(200, undeleteAnswer, 'Brings a removed secret back as it was')
  async undelete(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: scopeBody }) body: z.infer<typeof scopeBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof undeleteAnswer>> {
    const which = { scope: scopeOf(who, body, 'set'), name, byUserId: who.user_id };
    const { version } = await this.change.undelete(which);
    return { name, ...publicScope(which.scope), version };
  }

  /** Also one that was removed: its past is what people look for then. */
  async #find(scope: string, name: string): Promise<{ id: string; version: number }> {
    const found = await findSecretId(this.database, scope, name);
    if (!found) throw new NotFound('secret', name);
    return found;
  }
}
