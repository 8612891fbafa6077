import { Injectable } from '@nestjs/common';
import { compileGlob } from '@lineclear/access';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Clock, Database, type Tx } from '@lineclear/kit';
import { planSince, raiseRoutesVersion, type KnownPlan } from '../db/preferences.repo.js';
import { routesOf, wishesOf, type Route } from '../domain/routes.js';
import { silenceFor, type Silence } from '../domain/silences.js';
import { skipsOf, type Skip } from '../domain/skips.js';

interface Routes {
  readonly routes: ReadonlyMap<string, readonly Route[]>;
  readonly skips: ReadonlyMap<string, readonly Skip[]>;
  readonly silences: readonly Silence[];
}

/** The id of the silence that keeps an event from a channel. */
export type Silencer = (
  event: { readonly type: string; readonly data: object },
  channelId: number,
) => number | undefined;

/** Who wants to hear of what, and who does not. So an event that is in nobody's way, as there is nobody, costs no SQL. */
@Injectable()
export class CurrentRoutes extends Current<Routes> {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    bus: Bus,
  ) {
    super(bus, 'routes', { routes: new Map(), skips: new Map(), silences: [] });
  }

  /** Where events of this type go. */
  async of(type: string): Promise<readonly Route[]> {
    return (await this.get()).routes.get(type) ?? [];
  }

  /** Who is not told of them. */
  async skipsOf(type: string): Promise<readonly Skip[]> {
    return (await this.get()).skips.get(type) ?? [];
  }

  /** What is silenced, as it is now. */
  async silencer(): Promise<Silencer> {
    const { silences } = await this.get();
    const now = this.clock.now();
    return (event, channelId) => silenceFor(silences, event, channelId, now, fits)?.id;
  }

  protected override async read(known: number): Promise<Version<Routes>> {
    const { version, plan } = await planSince(this.database, known);
    return { version, value: plan && routesBy(plan) };
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRoutesVersion(tx);
  }
}

function routesBy({ channels, silences }: KnownPlan): Routes {
  const routes = routesOf(wishesOf(channels));
  return { routes, skips: skipsOf(channels, routes), silences };
}

const fits = (glob: string, text: string): boolean => compileGlob('name', glob)([Array.from(text)]);
