import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import { ManageSessions } from '../credentials/manage-sessions.js';
import * as sessions from '../db/sessions.repo.js';
import { NEWEST, rowId } from './fields.js';
import { currentSession, ended, sessionList, sessionPage, sessionsQuery } from './session-view.js';

const success = z.object({ success: z.literal(true) });

/** Where the caller is logged in. */
@Controller('api/auth/sessions')
export class SessionsController {
  constructor(
    private readonly manage: ManageSessions,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow()
  @Answers(200, sessionList, 'Lists the caller’s sessions, newest first')
  async list(
    @Who() caller: Principal,
    @Query({ schema: sessionsQuery }) { limit, cursor: before = NEWEST }: z.infer<typeof sessionsQuery>,
  ): Promise<z.infer<typeof sessionList>> {
    const query = { userId: caller.user_id, before, limit };
    const page = await sessions.page(this.database, query, this.clock.now());
    return sessionPage(page, limit, currentSession(caller));
  }

  @Delete()
  @Allow(undefined, { ownCredential: true })
  @Answers(200, ended, 'Ends all the caller’s sessions but the one that asks')
  async endOthers(@Who() caller: Principal): Promise<z.infer<typeof ended>> {
    return { success: true, ended: await this.manage.endOthers(caller) };
  }

  @Delete(':id')
  @Allow(undefined, { ownCredential: true })
  @Answers(200, success, 'Ends one of the caller’s sessions')
  async end(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.endOwn(caller, id);
    return { success: true };
  }
}
