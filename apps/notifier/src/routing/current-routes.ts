import { Injectable } from '@nestjs/common';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Database, type Tx } from '@lineclear/kit';
import { raiseRoutesVersion, wishesSince } from '../db/preferences.repo.js';
import { routesOf, type Route } from '../domain/routes.js';

type Routes = ReadonlyMap<string, readonly Route[]>;

/** Who wants to hear of what. So most events cost no SQL. */
@Injectable()
export class CurrentRoutes extends Current<Routes> {
  constructor(
    private readonly database: Database,
    bus: Bus,
  ) {
    super(bus, 'routes', new Map());
  }

  /** Where events of this type go. */
  async of(type: string): Promise<readonly Route[]> {
    return (await this.get()).get(type) ?? [];
  }

  protected override async read(known: number): Promise<Version<Routes>> {
    const { version, wishes } = await wishesSince(this.database, known);
    return { version, value: wishes && routesOf(wishes) };
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRoutesVersion(tx);
  }
}
