import { Body, Controller, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { Allow, requirePermission, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ManageApiKeys } from '../credentials/manage-api-keys.js';
import * as apiKeys from '../db/api-keys.repo.js';
import { keyName, pageSize, permission, rowId } from './fields.js';
import { notToBeStored } from './session-cookie.js';

const create = z.strictObject({
  name: keyName,
  expires_days: z.int().min(1).max(3_650).optional(),
  scoped_permissions: z.array(permission).min(1).max(100).optional(),
});
const listQuery = z.strictObject({ limit: pageSize, cursor: rowId.optional(), user_id: rowId.optional() });
const keyInfo = z.object({
  id: z.int(),
  name: z.string(),
  key_prefix: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
  expires_at: z.iso.datetime().nullable(),
  is_active: z.boolean(),
  scoped_permissions: z.array(z.string()).nullable(),
});
const list = z.object({ api_keys: z.array(keyInfo), total: z.int(), next_cursor: z.int().optional() });
const success = z.object({ success: z.literal(true) });
const NEWEST = 2_147_483_647;

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
    list,
    'Lists the caller’s API keys, newest first; with `user_id` and admin.users, another person’s',
  )
  async list(
    @Who() caller: Principal,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<z.infer<typeof list>> {
    const { limit, cursor: before = NEWEST, user_id: userId = caller.user_id } = query;
    if (userId !== caller.user_id) requirePermission(caller, 'admin.users');
    const { rows, total } = await apiKeys.page(this.database, { userId, before, limit });
    const last = rows.at(-1);
    return {
      api_keys: rows.map((row) => this.#info(row)),
      total,
      ...(rows.length === limit && last ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow()
  @Answers(201, z.object({ key: z.string(), key_info: keyInfo }), 'Makes an API key and shows it this once')
  async create(
    @Who() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body({ schema: create }) body: z.infer<typeof create>,
  ): Promise<object> {
    const { key, row } = await this.keys.create(caller, {
      name: body.name,
      expiresDays: body.expires_days,
      scope: body.scoped_permissions,
    });
    notToBeStored(reply);
    return { key, key_info: this.#info(row) };
  }

  @Delete(':id')
  @Allow()
  @Answers(200, success, 'Revokes an API key: one’s own, or anybody’s with admin.users')
  async revoke(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.keys.revoke(caller, id);
    return { success: true };
  }

  #info(row: apiKeys.ApiKeyRow): z.infer<typeof keyInfo> {
    return {
      id: row.id,
      name: row.name,
      key_prefix: row.key_prefix,
      created_at: row.created_at.toISOString(),
      last_used_at: row.last_used_at?.toISOString() ?? null,
      expires_at: row.expires_at?.toISOString() ?? null,
      is_active: row.expires_at === null || row.expires_at > this.clock.now(),
      scoped_permissions: row.scoped_permissions === null ? null : [...row.scoped_permissions],
    };
  }
}
