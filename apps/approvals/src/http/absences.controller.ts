import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { Allow, audited, can, isOfTenant, tenantOf, Who, type Reach } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Conflict, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { Approvers } from '../approvers.js';
import { insertAbsence, listAbsences, removeAbsence } from '../db/absences.repo.js';
import { ABSENCE_SOURCES, type Absence } from '../domain/absence.js';
import { timeSpan } from './time-span.js';

const MAX_DAYS = 90;
const MAX_OWN = 20;
const MAX_LISTED = 500;

const rowId = z.int().min(1).max(2_147_483_647);
const newAbsence = z.strictObject({
  starts_at: z.iso.datetime({ offset: true }).optional(),
  ends_at: z.iso.datetime({ offset: true }),
  stand_in_id: rowId.optional(),
  reason: z.string().trim().max(500).optional(),
});
const absenceAnswer = z.object({
  id: z.int(),
  user_id: z.int(),
  username: z.string(),
  stand_in_id: z.int().nullable(),
  stand_in: z.string().nullable(),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime(),
  reason: z.string().nullable(),
  source: z.enum(ABSENCE_SOURCES),
});
type Answer = z.infer<typeof absenceAnswer>;
const absencesAnswer = z.object({ absences: z.array(absenceAnswer) });

const show = (absence: Absence): Answer => ({
  id: absence.id,
  user_id: absence.userId,
  username: absence.username,
  stand_in_id: absence.standInId,
  stand_in: absence.standIn,
  starts_at: absence.startsAt.toISOString(),
  ends_at: absence.endsAt.toISOString(),
  reason: absence.reason,
  source: absence.source,
});

/** When people who decide are away, and who decides in their place. */
@Controller('api/approvals')
export class AbsencesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly approvers: Approvers,
  ) {}

  @Get('absences')
  @Allow('admin.approve')
  @Answers(
    200,
    absencesAnswer,
    "Lists who of the caller's organisation is away or will be, and who stands in",
  )
  async all(@Who() who: Principal): Promise<z.infer<typeof absencesAnswer>> {
    return this.#list({ orgId: tenantOf(who) });
  }

  @Get('me/absences')
  @Allow('admin.approve')
  @Answers(200, absencesAnswer, "Lists the caller's own absences that have not ended")
  async mine(@Who() who: Principal): Promise<z.infer<typeof absencesAnswer>> {
    return this.#list({ userId: who.user_id });
  }

  @Post('me/absences')
  @Allow('admin.approve')
  @Answers(201, absenceAnswer, 'Says that the caller is away, and who decides in their place')
  async add(
    @Body({ schema: newAbsence }) body: z.infer<typeof newAbsence>,
    @Who() who: Principal,
  ): Promise<Answer> {
    const now = this.clock.now();
    const { startsAt, endsAt } = timeSpan(body, now, MAX_DAYS);
    const standIn = body.stand_in_id === undefined ? null : await this.#standIn(body.stand_in_id, who);
    const absence = await this.database.tx(async (tx) => {
      if ((await listAbsences(tx, { userId: who.user_id }, now, MAX_OWN)).length >= MAX_OWN)
        throw new Conflict(`you have ${MAX_OWN} absences: remove one first`);
      const added = await insertAbsence(tx, {
        userId: who.user_id,
        username: who.username,
        orgId: who.org?.id ?? null,
        standInId: standIn?.id ?? null,
        standIn: standIn?.username ?? null,
        startsAt,
        endsAt,
        reason: body.reason ?? null,
        source: 'own',
      });
      const details = {
        stand_in_id: added.standInId,
        starts_at: startsAt.toISOString(),
        ends_at: endsAt.toISOString(),
      };
      await this.bus.publish(tx, audited('absence.added', { target: `absence/${added.id}`, details }));
      return added;
    });
    return show(absence);
  }

  @Delete('me/absences/:id')
  @Allow('admin.approve')
  @Answers(204, null, "Removes an absence of the caller's, also one that their mail told of")
  async remove(
    @Param('id', { schema: z.coerce.number().pipe(rowId) }) id: number,
    @Who() who: Principal,
  ): Promise<void> {
    await this.database.tx(async (tx) => {
      if (!(await removeAbsence(tx, id, who.user_id))) throw new NotFound('absence', id);
      await this.bus.publish(tx, audited('absence.removed', { target: `absence/${id}` }));
    });
  }

  async #list(reach: Reach): Promise<z.infer<typeof absencesAnswer>> {
    const absences = await listAbsences(this.database, reach, this.clock.now(), MAX_LISTED);
    return { absences: absences.map(show) };
  }

  /** @throws BadInput naming `stand_in_id` */
  async #standIn(id: number, who: Principal): Promise<{ id: number; username: string }> {
    if (id === who.user_id) throw BadInput.at('stand_in_id', 'is yourself');
    const found = await this.approvers.known(id);
    // Whoever is held to their organisation names nobody, and learns of nobody, who decides nothing of it.
    const orgId = tenantOf(who);
    if (!found || !can(found, 'admin.approve') || (orgId !== undefined && !isOfTenant(found, orgId)))
      throw BadInput.at('stand_in_id', 'is nobody who may approve');
    return { id, username: found.username };
  }
}
