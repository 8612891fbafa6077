import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, audited, differences } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, BadInput, Database, NotFound, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import { lockChannel } from '../db/channels.repo.js';
import {
  countPreferences,
  deletePreference,
  findPreference,
  insertPreference,
  listPreferences,
  lockPreference,
  updatePreference,
  type NewPreference,
} from '../db/preferences.repo.js';
import type { PreferenceRow } from '../db/preference.entity.js';
import { typesOf } from '../domain/event-catalogue.js';
import { TEAM_TYPES } from '../domain/event-schema.js';
import { SEVERITIES } from '../domain/severity.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { idParam, pageQuery, type Page } from './page.js';

const fields = {
  event_type: z
    .string()
    .max(80)
    .refine(
      (text) => typesOf(text).length > 0,
      'is not an event of /api/cloud/notifications/events, nor * or a category as job.*',
    ),
  channel_id: z.int().min(1).max(2_147_483_647),
  is_enabled: z.boolean(),
  recipients: z
    .array(z.email().max(254))
    .max(50)
    .transform((list) => [...new Set(list.map((address) => address.toLowerCase()))]),
  min_severity: z.enum(SEVERITIES),
  /** Null for the events of all. */
  team_id: z.int().min(1).max(2_147_483_647).nullable(),
};
const newPreference = z.strictObject({
  ...fields,
  is_enabled: fields.is_enabled.default(true),
  recipients: fields.recipients.default([]),
  min_severity: fields.min_severity.default('info'),
  team_id: fields.team_id.default(null),
});
const preferenceChange = z.strictObject(fields).partial();

const preferenceAnswer = z.object({
  id: z.int(),
  event_type: z.string(),
  channel_id: z.int(),
  is_enabled: z.boolean(),
  recipients: z.array(z.string()),
  min_severity: z.enum(SEVERITIES),
  team_id: z.int().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
const preferencesAnswer = z.object({
  preferences: z.array(preferenceAnswer),
  total: z.int(),
  next_cursor: z.int().optional(),
});

const show = (row: PreferenceRow): z.infer<typeof preferenceAnswer> => ({
  id: row.id,
  event_type: row.event_type,
  channel_id: row.channel_id,
  is_enabled: row.is_enabled,
  recipients: row.recipients,
  min_severity: row.min_severity,
  team_id: row.team_id,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

/** Which events go where. */
@Controller('api/cloud/notifications/preferences')
export class PreferencesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly routes: CurrentRoutes,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, preferencesAnswer, 'Lists the preferences')
  async list(
    @Query({ schema: pageQuery }) { limit, cursor }: Page,
  ): Promise<z.infer<typeof preferencesAnswer>> {
    const rows = await listPreferences(this.database, limit, cursor);
    const last = rows.at(-1);
    return {
      preferences: rows.map(show),
      total: await countPreferences(this.database),
      ...(last && rows.length === limit ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow('admin.config')
  @Answers(201, preferenceAnswer, 'Sends events of a kind through a channel from now on')
  async add(
    @Body({ schema: newPreference }) body: z.infer<typeof newPreference>,
  ): Promise<z.infer<typeof preferenceAnswer>> {
    return this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      checkTeam(body);
      await checkChannel(tx, body);
      const row = await insertPreference(tx, body);
      const { event_type, channel_id, recipients, min_severity, is_enabled, team_id } = row;
      const details = {
        event_type,
        channel_id,
        recipients,
        min_severity,
        is_enabled,
        ...(team_id !== null && { team_id }),
      };
      await this.bus.publish(tx, audited('preference.created', { target: `preference/${row.id}`, details }));
      return show(row);
    });
  }

  @Get(':id')
  @Allow('admin.config')
  @Answers(200, preferenceAnswer, 'Shows a preference')
  async show(@Param('id', { schema: idParam }) id: number): Promise<z.infer<typeof preferenceAnswer>> {
    const row = await findPreference(this.database, id);
    if (!row) throw new NotFound('preference', id);
    return show(row);
  }

  @Patch(':id')
  @Allow('admin.config')
  @Answers(200, preferenceAnswer, 'Changes a preference')
  async change(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: preferenceChange }) body: z.infer<typeof preferenceChange>,
  ): Promise<z.infer<typeof preferenceAnswer>> {
    return this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      const row = await lockPreference(tx, id);
      if (!row) throw new NotFound('preference', id);
      const changed: NewPreference = {
        event_type: body.event_type ?? row.event_type,
        channel_id: body.channel_id ?? row.channel_id,
        is_enabled: body.is_enabled ?? row.is_enabled,
        recipients: body.recipients ?? row.recipients,
        min_severity: body.min_severity ?? row.min_severity,
        team_id: body.team_id === undefined ? row.team_id : body.team_id,
      };
      checkTeam(changed);
      await checkChannel(tx, changed);
      const details = differences<NewPreference>(row, changed, TOLD);
      await this.bus.publish(tx, audited('preference.changed', { target: `preference/${id}`, details }));
      return show(await updatePreference(tx, id, changed));
    });
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(204, null, 'Deletes a preference')
  async remove(@Param('id', { schema: idParam }) id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      if (!(await deletePreference(tx, id))) throw new NotFound('preference', id);
      await this.bus.publish(tx, audited('preference.removed', { target: `preference/${id}` }));
    });
  }
}

const TOLD = ['event_type', 'channel_id', 'is_enabled', 'recipients', 'min_severity', 'team_id'] as const;

/** What says no team would never come. */
function checkTeam({ team_id, event_type }: NewPreference): void {
  if (team_id !== null && !typesOf(event_type).some((type) => TEAM_TYPES.has(type)))
    throw BadInput.at('team_id', `${event_type} is about no team's jobs`);
}

/** Mail needs someone to go to; all else goes to its URL. */
async function checkChannel(tx: Tx, { channel_id, recipients }: NewPreference): Promise<void> {
  const channel = await lockChannel(tx, channel_id);
  if (!channel) throw BadInput.at('channel_id', `there is no channel ${channel_id}`);
  if (channel.type === 'email' && recipients.length === 0)
    throw BadInput.at('recipients', 'an email channel needs at least one');
  if (channel.type !== 'email' && recipients.length > 0)
    throw BadInput.at('recipients', `a ${channel.type} channel goes to its URL and takes none`);
}
