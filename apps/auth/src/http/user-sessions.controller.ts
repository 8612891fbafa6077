import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database, NotFound } from '@lineclear/kit';
import type { z } from 'zod';
import { ManageSessions } from '../credentials/manage-sessions.js';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { NEWEST, rowId } from './fields.js';
import { currentSession, ended, sessionList, sessionPage, sessionsQuery } from './session-view.js';

/** Where somebody is logged in, for those who look after people. */
@Controller('api/users/:id/sessions')
export class UserSessionsController {
  constructor(
    private readonly manage: ManageSessions,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, sessionList, 'Lists a user’s sessions, newest first')
  async list(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) userId: number,
    @Query({ schema: sessionsQuery }) { limit, cursor: before = NEWEST }: z.infer<typeof sessionsQuery>,
  ): Promise<z.infer<typeof sessionList>> {
    if (!(await users.byId(this.database, userId))) throw new NotFound('user', userId);
    const page = await sessions.page(this.database, { userId, before, limit }, this.clock.now());
    const isOwn = userId === caller.user_id;
    return sessionPage(page, limit, isOwn ? currentSession(caller) : undefined);
  }

  @Delete()
  @Allow('admin.users', { ownCredential: true })
  @Answers(200, ended, 'Ends all of a user’s sessions')
  async endAll(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) userId: number,
  ): Promise<z.infer<typeof ended>> {
    return { success: true, ended: await this.manage.endAllOf(caller, userId) };
  }
}
