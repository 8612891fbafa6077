import { Readable } from 'node:stream';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { VerifyLog } from '../audit/verify-log.js';
import * as log from '../db/audit-log.repo.js';
import { EXPORTS } from './audit-export.js';
import {
  auditQuery,
  entrySchema,
  entryView,
  exportQuery,
  filterOf,
  verifyQuery,
  type EntryView,
} from './audit-fields.js';

const EXPORTED_AT_ONCE = 500;
const list = z.object({
  entries: z.array(entrySchema),
  total: z.int(),
  next_cursor: z.int().optional(),
});
const actions = z.object({ actions: z.array(z.string()), total: z.int() });
const head = z.object({ seq: z.int(), mac: z.string(), at: z.string(), signature: z.string() });
const verdict = z.object({
  valid: z.boolean(),
  checked: z.int(),
  first_seq: z.int().nullable(),
  last_seq: z.int().nullable(),
  broken: z.array(z.object({ seq: z.int(), what: z.string() })),
});

/** What was done and refused in the whole house, and the proof that nobody has changed what is written of it. */
@Controller('api/audit')
export class AuditController {
  constructor(
    private readonly database: Database,
    private readonly log: VerifyLog,
  ) {}

  @Get()
  @Allow('admin.audit')
  @Answers(
    200,
    list,
    'Lists the audit log, newest first: what people of the caller’s organisation did, and all of it to those who make organisations',
  )
  async list(
    @Who() caller: Principal,
    @Query({ schema: auditQuery }) query: z.infer<typeof auditQuery>,
  ): Promise<z.infer<typeof list>> {
    const { limit, cursor: before = Number.MAX_SAFE_INTEGER } = query;
    const filter = filterOf(query, caller);
    const [rows, total] = await Promise.all([
      log.newest(this.database, filter, { before, limit }),
      log.total(this.database, filter),
    ]);
    const last = rows.at(-1);
    return {
      entries: rows.map(entryView),
      total,
      ...(rows.length === limit && last ? { next_cursor: last.seq } : {}),
    };
  }

  @Get('actions')
  @Allow('admin.audit')
  @Answers(200, actions, 'Lists the actions that the audit log holds')
  async actions(): Promise<z.infer<typeof actions>> {
    const found = await log.actions(this.database);
    return { actions: found, total: found.length };
  }

  @Get('head')
  @Allow('admin.audit')
  @Answers(
    200,
    head,
    'Tells where the audit log ends: kept elsewhere, it shows later whether anything was cut off',
  )
  async head(): Promise<z.infer<typeof head>> {
    const found = await log.head(this.database);
    if (!found) throw new NotFound('entry of the audit log', 1);
    return found;
  }

  @Get('verify')
  @Allow('admin.audit')
  @Answers(
    200,
    verdict,
    'Proves the audit log, or the entries `from` to `to`, and a head that was kept of it',
  )
  async verify(
    @Query({ schema: verifyQuery }) { from, to, head_seq: seq, head_mac: mac }: z.infer<typeof verifyQuery>,
  ): Promise<z.input<typeof verdict>> {
    const keptHead = seq !== undefined && mac !== undefined ? { seq, mac } : undefined;
    const { broken, ...rest } = await this.log.verify({ from, to, keptHead });
    return { ...rest, broken: [...broken] };
  }

  @Get('export')
  @Allow('admin.audit')
  @Answers(200, null, 'Writes out the audit log as CSV or JSON, newest first, with the filters of the list')
  async export(
    @Who() caller: Principal,
    @Res() reply: FastifyReply,
    @Query({ schema: exportQuery }) query: z.infer<typeof exportQuery>,
  ): Promise<void> {
    const format = EXPORTS[query.format];
    await reply
      .status(200)
      .header('content-type', format.contentType)
      .header('content-disposition', `attachment; filename="lineclear-audit.${query.format}"`)
      .send(Readable.from(format.write(this.#pages(filterOf(query, caller)))));
  }

  async *#pages(filter: log.Filter): AsyncGenerator<EntryView[]> {
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const rows = await log.newest(this.database, filter, { before, limit: EXPORTED_AT_ONCE });
      const last = rows.at(-1);
      if (last) yield rows.map(entryView);
      if (!last || rows.length < EXPORTED_AT_ONCE) return;
      before = last.seq;
    }
  }
}
