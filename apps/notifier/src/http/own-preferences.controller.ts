import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { Allow, audited, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { openChannels } from '../db/channels.repo.js';
import type { OwnPreferenceRow } from '../db/own-preference.entity.js';
import { deleteOwnPreference, listOwnPreferences, saveOwnPreference } from '../db/own-preferences.repo.js';
import { DIGESTS } from '../domain/digest.js';
import { OUTCOMES, OWN_EVENTS } from '../domain/own-events.js';
import { DEFAULT, ownTypesOf } from '../domain/own-preferences.js';
import { SEVERITIES } from '../domain/severity.js';

const pattern = z
  .string()
  .max(80)
  .refine(
    (text) => ownTypesOf(text).length > 0,
    'is not an event about yourself, nor * or a category as job.*',
  );
const throttle = z.strictObject({
  max: z.int().min(1).max(1_000),
  per_minutes: z.int().min(1).max(1_440),
});
const said = z.strictObject({
  is_enabled: z.boolean().default(DEFAULT.isEnabled),
  min_severity: z.enum(SEVERITIES).default(DEFAULT.minSeverity),
  channel_id: z.int().min(1).max(2_147_483_647).nullable().default(DEFAULT.channelId),
  digest: z.enum(DIGESTS).default(DEFAULT.digest),
  digest_hour: z.int().min(0).max(23).default(DEFAULT.digestHour),
  throttle: throttle.nullable().default(null),
});

const preferenceAnswer = z.object({
  event_type: z.string(),
  is_enabled: z.boolean(),
  min_severity: z.enum(SEVERITIES),
  channel_id: z.int().optional(),
  digest: z.enum(DIGESTS),
  digest_hour: z.int(),
  throttle: throttle.optional(),
  updated_at: z.iso.datetime(),
});
const preferencesAnswer = z.object({
  preferences: z.array(preferenceAnswer),
  /** What may be chosen, and what comes to whoever chose nothing. */
  event_types: z.array(z.string()),
  told_by_default: z.array(z.string()),
  /** Those that may be chosen; the first is taken where none is. */
  channels: z.array(z.object({ id: z.int(), name: z.string() })),
});

const show = (row: OwnPreferenceRow): z.infer<typeof preferenceAnswer> => ({
  event_type: row.event_type,
  is_enabled: row.is_enabled,
  min_severity: row.min_severity,
  ...(row.channel_id === null ? {} : { channel_id: row.channel_id }),
  digest: row.digest,
  digest_hour: row.digest_hour,
  ...(row.throttle === null
    ? {}
    : { throttle: { max: row.throttle.max, per_minutes: row.throttle.perMinutes } }),
  updated_at: row.updated_at.toISOString(),
});

/** What the caller hears of what is about themselves, always at their own address. */
@Controller('api/cloud/notifications/me/preferences')
export class OwnPreferencesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(200, preferencesAnswer, 'Lists what the caller wants to hear of about themselves')
  async list(@Who() who: Principal): Promise<z.infer<typeof preferencesAnswer>> {
    const rows = await listOwnPreferences(this.database, who.user_id);
    const channels = await openChannels(this.database);
    return {
      preferences: rows.map(show),
      event_types: [...OWN_EVENTS],
      told_by_default: [...OUTCOMES],
      channels: channels.map(({ id, name }) => ({ id, name })),
    };
  }

  @Put(':event_type')
  @Allow('job.view.own')
  @Answers(200, preferenceAnswer, 'Says whether and how the caller hears of events about themselves')
  async save(
    @Param('event_type', { schema: pattern }) event_type: string,
    @Body({ schema: said }) body: z.infer<typeof said>,
    @Who() { user_id }: Principal,
  ): Promise<z.infer<typeof preferenceAnswer>> {
    return this.database.tx(async (tx) => {
      if (body.channel_id !== null && !(await openChannels(tx)).some(({ id }) => id === body.channel_id))
        throw BadInput.at('channel_id', `${body.channel_id} is no enabled email channel`);
      const { throttle: limit, ...rest } = body;
      const row = await saveOwnPreference(tx, {
        user_id,
        event_type,
        ...rest,
        throttle: limit && { max: limit.max, perMinutes: limit.per_minutes },
      });
      const details = { event_type, ...rest, ...limit };
      await this.bus.publish(tx, audited('own_preference.set', { target: `user/${user_id}`, details }));
      return show(row);
    });
  }

  @Delete(':event_type')
  @Allow('job.view.own')
  @Answers(204, null, 'Forgets what the caller said of events about themselves')
  async remove(
    @Param('event_type', { schema: pattern }) event_type: string,
    @Who() { user_id }: Principal,
  ): Promise<void> {
    await this.database.tx(async (tx) => {
      if (!(await deleteOwnPreference(tx, user_id, event_type))) throw new NotFound('preference', event_type);
      const details = { event_type };
      await this.bus.publish(tx, audited('own_preference.removed', { target: `user/${user_id}`, details }));
    });
  }
}
