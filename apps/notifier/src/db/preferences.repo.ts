import type { Queryable, Tx } from '@lineclear/kit';
import type { KnownChannel } from '../domain/routes.js';
import type { Silence } from '../domain/silences.js';
import type { PreferenceRow } from './preference.entity.js';

export type NewPreference = Pick<
  PreferenceRow,
  'event_type' | 'channel_id' | 'is_enabled' | 'recipients' | 'min_severity' | 'team_id'
>;

const valuesOf = (given: NewPreference): unknown[] => [
  given.event_type,
  given.channel_id,
  given.is_enabled,
  given.recipients,
  given.min_severity,
  given.team_id,
];

export async function insertPreference(tx: Tx, given: NewPreference): Promise<PreferenceRow> {
  const [row] = await tx.query<PreferenceRow>(
    `insert into preference (event_type, channel_id, is_enabled, recipients, min_severity, team_id)
     values ($1, $2, $3, $4::text[], $5, $6) returning *`,
    valuesOf(given),
  );
  return row!;
}

export async function lockPreference(tx: Tx, id: number): Promise<PreferenceRow | undefined> {
  const [row] = await tx.query<PreferenceRow>('select * from preference where id = $1 for update', [id]);
  return row;
}

export async function updatePreference(tx: Tx, id: number, given: NewPreference): Promise<PreferenceRow> {
  const [row] = await tx.query<PreferenceRow>(
    `update preference set event_type = $2, channel_id = $3, is_enabled = $4, recipients = $5::text[], min_severity = $6,
       team_id = $7, updated_at = clock_timestamp()
     where id = $1 returning *`,
    [id, ...valuesOf(given)],
  );
  return row!;
}

export async function deletePreference(tx: Tx, id: number): Promise<boolean> {
  return (await tx.query('delete from preference where id = $1 returning id', [id])).length > 0;
}

export async function findPreference(on: Queryable, id: number): Promise<PreferenceRow | undefined> {
  const [row] = await on.query<PreferenceRow>('select * from preference where id = $1', [id]);
  return row;
}

export async function listPreferences(on: Queryable, limit: number, after: number): Promise<PreferenceRow[]> {
  return on.query<PreferenceRow>('select * from preference where id > $2 order by id limit $1', [
    limit,
    after,
  ]);
}

export async function countPreferences(on: Queryable): Promise<number> {
  const [row] = await on.query<{ total: number }>('select count(*) as total from preference');
  return row?.total ?? 0;
}

/** To be called first in each transaction that changes channels, preferences or silences. */
export async function raiseRoutesVersion(tx: Tx): Promise<void> {
  await tx.query('update routes_version set version = version + 1');
}

export interface KnownPlan {
  readonly channels: readonly KnownChannel[];
  readonly silences: readonly Silence[];
}

/** What is wanted now, and what is silenced, when it changed since `version`; without a plan when it did not. */
export async function planSince(
  on: Queryable,
  version: number,
): Promise<{ version: number; plan?: KnownPlan }> {
  const [row] = await on.query<{
    version: number;
    plan: { channels: KnownChannel[]; silences: (Silence & { startsAt: string; endsAt: string })[] } | null;
  }>(
    `select v.version, case when v.version = $1 then null else json_build_object(
       'channels', (
         select coalesce(json_agg(json_build_object(
           'id', c.id, 'type', c.channel_type, 'isEnabled', c.is_enabled, 'fallbackId', f.fallback_id, 'preferences', (
             select coalesce(json_agg(json_build_object(
               'eventType', p.event_type, 'minSeverity', p.min_severity, 'isEnabled', p.is_enabled,
               'recipients', p.recipients, 'teamId', p.team_id) order by p.id), '[]')
             from preference p where p.channel_id = c.id)) order by c.id), '[]')
         from channel c left join channel_fallback f on f.channel_id = c.id),
       'silences', (
         select coalesce(json_agg(json_build_object(
           'id', s.id, 'matchers', s.matchers, 'startsAt', s.starts_at, 'endsAt', s.ends_at) order by s.id), '[]')
         from silence s where s.ends_at > now())) end as plan
     from routes_version v`,
    [version],
  );
  const { version: found, plan } = row!;
  if (plan === null) return { version: found };
  const silences = plan.silences.map((silence) => ({
    ...silence,
    startsAt: new Date(silence.startsAt),
    endsAt: new Date(silence.endsAt),
  }));
  return { version: found, plan: { channels: plan.channels, silences } };
}
