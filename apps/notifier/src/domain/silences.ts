import { typesOf } from './event-catalogue.js';

/** What a silence is for: all of these that are there, together. */
export interface Matchers {
  /** An event's name, `*`, or a category as `job.*`. */
  readonly eventType?: string | undefined;
  /** Globs. */
  readonly jobId?: string | undefined;
  readonly configName?: string | undefined;
  /** Whose job or request it is. */
  readonly userId?: number | undefined;
  /** The team that the job counts under. */
  readonly teamId?: number | undefined;
  readonly channelId?: number | undefined;
}

export interface Silence {
  readonly id: number;
  readonly matchers: Matchers;
  readonly startsAt: Date;
  readonly endsAt: Date;
}

interface Told {
  readonly type: string;
  readonly data: object;
}

/** The silence that keeps this event from this channel now; `fits` compares a glob with a text. */
export const silenceFor = (
  silences: readonly Silence[],
  event: Told,
  channelId: number,
  now: Date,
  fits: (glob: string, text: string) => boolean,
): Silence | undefined =>
  silences.find(
    ({ matchers, startsAt, endsAt }) =>
      startsAt <= now && now < endsAt && matches(matchers, event, channelId, fits),
  );

function matches(
  { eventType, jobId, configName, userId, teamId, channelId: only }: Matchers,
  { type, data }: Told,
  channelId: number,
  fits: (glob: string, text: string) => boolean,
): boolean {
  const { job_id, config_name, user_id, team_id } = data as {
    job_id?: string;
    config_name?: string;
    user_id?: number;
    team_id?: number;
  };
  const isLike = (glob: string | undefined, text: string | undefined): boolean =>
    glob === undefined || (text !== undefined && fits(glob, text));
  return (
    (eventType === undefined || typesOf(eventType).includes(type)) &&
    isLike(jobId, job_id) &&
    isLike(configName, config_name) &&
    (userId === undefined || userId === user_id) &&
    (teamId === undefined || teamId === team_id) &&
    (only === undefined || only === channelId)
  );
}
