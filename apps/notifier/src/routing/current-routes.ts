import { Injectable } from '@nestjs/common';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Database, type Tx } from '@lineclear/kit';
import { channelsSince, raiseRoutesVersion } from '../db/preferences.repo.js';
import { routesOf, wishesOf, type KnownChannel, type Route } from '../domain/routes.js';
import { skipsOf, type Skip } from '../domain/skips.js';

interface Routes {
  readonly routes: ReadonlyMap<string, readonly Route[]>;
  readonly skips: ReadonlyMap<string, readonly Skip[]>;
}

/** Who wants to hear of what, and who does not. So an event that is in nobody's way, as there is nobody, costs no SQL. */
@Injectable()
export class CurrentRoutes extends Current<Routes> {
  constructor(
    private readonly database: Database,
    bus: Bus,
  ) {
    super(bus, 'routes', { routes: new Map(), skips: new Map() });
  }

  /** Where events of this type go. */
  async of(type: string): Promise<readonly Route[]> {
    return (await this.get()).routes.get(type) ?? [];
  }

  /** Who is not told of them. */
  async skipsOf(type: string): Promise<readonly Skip[]> {
    return (await this.get()).skips.get(type) ?? [];
  }

  protected override async read(known: number): Promise<Version<Routes>> {
    const { version, channels } = await channelsSince(this.database, known);
    return { version, value: channels && planOf(channels) };
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRoutesVersion(tx);
  }
}

function planOf(channels: readonly KnownChannel[]): Routes {
  const routes = routesOf(wishesOf(channels));
  return { routes, skips: skipsOf(channels, routes) };
}
