import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database, NotFound } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ManageApiKeys } from '../credentials/manage-api-keys.js';
import * as apiKeys from '../db/api-keys.repo.js';
import * as users from '../db/users.repo.js';
import { NEWEST, rowId } from './fields.js';
import { keyList, keyPage, keyRequestOf, keysQuery, keyView, madeKey, newKey } from './key-view.js';
import { notToBeStored } from './session-cookie.js';

/** The keys of service accounts, which nobody can log in as to make them. They are revoked and changed like one’s own. */
@Controller('api/users/:id/api-keys')
export class UserApiKeysController {
  constructor(
    private readonly keys: ManageApiKeys,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, keyList, 'Lists a user’s API keys, newest first')
  async list(
    @Param('id', { schema: rowId }) userId: number,
    @Query({ schema: keysQuery }) query: z.infer<typeof keysQuery>,
  ): Promise<z.infer<typeof keyList>> {
    if (!(await users.byId(this.database, userId))) throw new NotFound('user', userId);
    const { limit, cursor: before = NEWEST } = query;
    const now = this.clock.now();
    return keyPage(await apiKeys.page(this.database, { userId, before, limit }, now), limit, now);
  }

  @Post()
  @Allow('admin.users', { ownCredential: true })
  @Answers(
    201,
    madeKey,
    'Makes an API key for a service account and shows it this once; people make their own',
  )
  async create(
    @Who() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id', { schema: rowId }) userId: number,
    @Body({ schema: newKey }) body: z.infer<typeof newKey>,
  ): Promise<z.infer<typeof madeKey>> {
    const { key, row } = await this.keys.createFor(caller, userId, keyRequestOf(body));
    notToBeStored(reply);
    return { key, key_info: keyView(row, this.clock.now()) };
  }
}
