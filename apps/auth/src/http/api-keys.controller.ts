import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { Allow, requirePermission, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ManageApiKeys } from '../credentials/manage-api-keys.js';
import * as apiKeys from '../db/api-keys.repo.js';
import { allowedCidrs, keyName, NEWEST, rowId } from './fields.js';
import { keyInfo, keyList, keyPage, keyRequestOf, keysQuery, keyView, madeKey, newKey } from './key-view.js';
import { notToBeStored } from './session-cookie.js';

const listQuery = keysQuery.extend({ user_id: rowId.optional() });
const patch = z
  .strictObject({
    name: keyName.optional(),
    /** null: from anywhere. */
    allowed_cidrs: allowedCidrs.nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'holds nothing to change');
const rotation = z.strictObject({ overlap_hours: z.int().min(0).max(168).default(24) });
const success = z.object({ success: z.literal(true) });

@Controller('api/auth/api-keys')
export class ApiKeysController {
  constructor(
    private readonly keys: ManageApiKeys,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow()
  @Answers(
    200,
    keyList,
    'Lists the caller’s API keys, newest first; with `user_id` and admin.users, another person’s',
  )
  async list(
    @Who() caller: Principal,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof keyList>> {
    const { limit, cursor: before = NEWEST, user_id: userId = caller.user_id } = query;
    if (userId !== caller.user_id) requirePermission(caller, 'admin.users');
    const now = this.clock.now();
    return keyPage(await apiKeys.page(this.database, { userId, before, limit }, now), limit, now);
  }

  @Post()
  @Allow(undefined, { ownCredential: true })
  @Answers(201, madeKey, 'Makes an API key and shows it this once')
  async create(
    @Who() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: newKey }) body: z.infer<typeof newKey>,
  ): Promise<z.infer<typeof madeKey>> {
    const { key, row } = await this.keys.create(caller, keyRequestOf(body));
    notToBeStored(reply);
    return { key, key_info: keyView(row, this.clock.now()) };
  }

  @Patch(':id')
  @Allow(undefined, { ownCredential: true })
  @Answers(200, keyInfo, 'Renames an API key, or says from which networks it may be used')
  async change(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: patch }) body: z.infer<typeof patch>,
  ): Promise<z.infer<typeof keyInfo>> {
    const change = { name: body.name, allowedCidrs: body.allowed_cidrs };
    return keyView(await this.keys.change(caller, id, change), this.clock.now());
  }

  @Post(':id/rotate')
  @Allow(undefined, { ownCredential: true })
  @Answers(
    201,
    madeKey.extend({ replaces: keyInfo }),
    'Makes a key in the place of this one, which ends when the overlap is over; a key may do that for itself',
  )
  async rotate(
    @Who() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: rotation }) body: z.infer<typeof rotation>,
  ): Promise<object> {
    const { key, row, replaced } = await this.keys.rotate(caller, id, body.overlap_hours);
    notToBeStored(reply);
    const now = this.clock.now();
    return { key, key_info: keyView(row, now), replaces: keyView(replaced, now) };
  }

  @Delete(':id')
  @Allow(undefined, { ownCredential: true })
  @Answers(200, success, 'Revokes an API key: one’s own, or anybody’s with admin.users')
  async revoke(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.keys.revoke(caller, id);
    return { success: true };
  }
}
