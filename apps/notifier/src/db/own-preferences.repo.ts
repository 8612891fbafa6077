import type { Queryable, Tx } from '@lineclear/kit';
import type { OwnPreference } from '../domain/own-preferences.js';
import type { OwnPreferenceRow } from './own-preference.entity.js';

export type NewOwnPreference = Omit<OwnPreferenceRow, 'updated_at'>;

export async function saveOwnPreference(tx: Tx, given: NewOwnPreference): Promise<OwnPreferenceRow> {
  const [row] = await tx.query<OwnPreferenceRow>(
    `insert into own_preference (user_id, event_type, is_enabled, min_severity, channel_id, digest, digest_hour, throttle)
     values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
     on conflict (user_id, event_type) do update set is_enabled = $3, min_severity = $4, channel_id = $5, digest = $6,
       digest_hour = $7, throttle = $8::jsonb, updated_at = clock_timestamp()
     returning *`,
    [
      given.user_id,
      given.event_type,
      given.is_enabled,
      given.min_severity,
      given.channel_id,
      given.digest,
      given.digest_hour,
      given.throttle && JSON.stringify(given.throttle),
    ],
  );
  return row!;
}

export async function deleteOwnPreference(tx: Tx, userId: number, eventType: string): Promise<boolean> {
  const rows = await tx.query(
    'delete from own_preference where user_id = $1 and event_type = $2 returning 1',
    [userId, eventType],
  );
  return rows.length > 0;
}

export async function listOwnPreferences(on: Queryable, userId: number): Promise<OwnPreferenceRow[]> {
  return on.query<OwnPreferenceRow>('select * from own_preference where user_id = $1 order by event_type', [
    userId,
  ]);
}

/** What each of these people says. */
export async function ownPreferencesOf(
  on: Queryable,
  people: readonly number[],
): Promise<ReadonlyMap<number, readonly OwnPreference[]>> {
  const rows = await on.query<OwnPreferenceRow>(
    'select * from own_preference where user_id = any($1::int[])',
    [people],
  );
  const byPerson = new Map<number, OwnPreference[]>();
  for (const row of rows)
    byPerson.set(row.user_id, [...(byPerson.get(row.user_id) ?? []), ownPreferenceOf(row)]);
  return byPerson;
}

const ownPreferenceOf = (row: OwnPreferenceRow): OwnPreference => ({
  eventType: row.event_type,
  isEnabled: row.is_enabled,
  minSeverity: row.min_severity,
  channelId: row.channel_id,
  digest: row.digest,
  digestHour: row.digest_hour,
  throttle: row.throttle,
});
