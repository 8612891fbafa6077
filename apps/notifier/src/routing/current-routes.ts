import { Injectable } from '@nestjs/common';
import { compileGlob } from '@lineclear/access';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Clock, Database, type Tx } from '@lineclear/kit';
import { planSince, raiseRoutesVersion, type KnownPlan } from '../db/preferences.repo.js';
import { routesOf, wishesOf, type Route } from '../domain/routes.js';
import { silenceFor, type Silence } from '../domain/silences.js';
import { skipsOf, type Skip } from '../domain/skips.js';

/** Where an event goes, and who is not told of it. */
export interface Ways {
  readonly routes: readonly Route[];
  readonly skips: readonly Skip[];
}
interface Plan {
  readonly hasChannels: boolean;
  readonly waysOf: (event: { readonly type: string; readonly data: object }) => Ways;
  readonly silences: readonly Silence[];
}

/** The id of the silence that keeps an event from a channel. */
export type Silencer = (
  event: { readonly type: string; readonly data: object },
  channelId: number,
) => number | undefined;

/** Who wants to hear of what, and who does not. So an event that is in nobody's way, as there is nobody, costs no SQL. */
@Injectable()
export class CurrentRoutes extends Current<Plan> {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    bus: Bus,
  ) {
    super(bus, 'routes', planFrom({ channels: [], silences: [] }));
  }

  /** Where there is none, nobody is told of anything, or is not. */
  async hasChannels(): Promise<boolean> {
    return (await this.get()).hasChannels;
  }

  /** What is wanted, as it is now. */
  async waysOf(): Promise<Plan['waysOf']> {
    return (await this.get()).waysOf;
  }

  /** What is silenced, as it is now. */
  async silencer(): Promise<Silencer> {
    const { silences } = await this.get();
    const now = this.clock.now();
    return (event, channelId) => silenceFor(silences, event, channelId, now, fits)?.id;
  }

  protected override async read(known: number): Promise<Version<Plan>> {
    const { version, plan } = await planSince(this.database, known);
    return { version, value: plan && planFrom(plan) };
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRoutesVersion(tx);
  }
}

/** The ways of a team's events are worked out when the first of them comes; of teams that nobody names they are those of none. */
function planFrom({ channels, silences }: KnownPlan): Plan {
  const named = new Set(channels.flatMap(({ preferences }) => preferences.map(({ teamId }) => teamId)));
  const known = new Map<number | undefined, ReadonlyMap<string, Ways>>();
  return {
    hasChannels: channels.length > 0,
    silences,
    waysOf({ type, data }) {
      const { team_id } = data as { team_id?: number };
      const team = named.has(team_id) ? team_id : undefined;
      const ways = known.get(team) ?? waysByType(channels, team);
      known.set(team, ways);
      return ways.get(type) ?? NO_WAYS;
    },
  };
}

const NO_WAYS: Ways = { routes: [], skips: [] };

function waysByType(channels: KnownPlan['channels'], team: number | undefined): ReadonlyMap<string, Ways> {
  const routes = routesOf(wishesOf(channels, team));
  const skips = skipsOf(channels, routes, team);
  return new Map(
    [...skips].map(([type, skipped]) => [type, { routes: routes.get(type) ?? [], skips: skipped }]),
  );
}

const fits = (glob: string, text: string): boolean => compileGlob('name', glob)([Array.from(text)]);
