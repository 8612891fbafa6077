import { AppError } from '@lineclear/kit';
import { mayLook, placesFor, SOURCES, type Asker, type Place, type SourceName } from '../domain/lookup.js';
import type { Found, Presence, SecretSource } from './source.js';

export interface Resolved extends Found, Place {}
export interface Tried extends Place, Presence {
  /** False when it was not asked at all; `note` says why. */
  readonly asked: boolean;
}

/** All sources as one: a name comes from the first place that has it. */
export class SourceChain {
  readonly #sources: ReadonlyMap<SourceName, SecretSource>;

  constructor(
    sources: readonly SecretSource[],
    private readonly order: readonly SourceName[],
    /** Why a source that is not there is not: which setting it takes. */
    private readonly absent: Readonly<Partial<Record<SourceName, string>>> = {},
  ) {
    this.#sources = new Map(sources.map((source) => [source.name, source]));
  }

  /** Finds these names on someone's behalf; what is not in the map, nobody has. @throws what a source throws that is asked before the name is found */
  async find(names: readonly string[], asker: Asker): Promise<ReadonlyMap<string, Resolved>> {
    const found = new Map<string, Resolved>();
    for (const { place, source } of this.#asked(asker)) {
      const wanted = names.filter((name) => !found.has(name) && mayLook(asker, place, name));
      if (wanted.length === 0) continue;
      const here = await source.find(place.scope, wanted, asker);
      for (const [name, value] of here) found.set(name, { ...value, ...place });
    }
    return found;
  }

  /** Finds what was found before in the same place, and looks nowhere else. @throws what its source throws */
  async findIn(place: Place, names: readonly string[], asker: Asker): Promise<ReadonlyMap<string, Resolved>> {
    const found = await this.#sources.get(place.source)?.find(place.scope, names, asker);
    return new Map([...(found ?? [])].map(([name, value]) => [name, { ...value, ...place }]));
  }

  /** Every place in order, and whether it has the name; then the sources that are left out. A source that fails shows its error here. Tells no value. */
  async explain(name: string, asker: Asker): Promise<Tried[]> {
    const tried = placesFor(asker, this.order).map((place) => this.#try(place, name, asker));
    const leftOut = SOURCES.filter((source) => !this.order.includes(source)).map((source) =>
      notAsked({ source, scope: 'global' }, 'left out by LINECLEAR_SECRETS_SOURCES'),
    );
    return [...(await Promise.all(tried)), ...leftOut];
  }

  /**
   * The source that wins for a name of which it is known that `known` has it: only those before it are asked. Undefined
   * when one of them fails, as then nobody knows.
   */
  async winner(name: string, asker: Asker, known: Place): Promise<SourceName | undefined> {
    for (const { place } of this.#asked(asker)) {
      if (place.source === known.source && place.scope === known.scope) break;
      const { has, error } = await this.#try(place, name, asker);
      if (has) return place.source;
      if (error !== undefined) return undefined;
    }
    return known.source;
  }

  async #try(place: Place, name: string, asker: Asker): Promise<Tried> {
    const source = this.#sources.get(place.source);
    if (!source) return notAsked(place, this.absent[place.source] ?? 'not configured');
    if (!mayLook(asker, place, name)) return notAsked(place, 'not asked for a name like this');
    try {
      return { ...place, asked: true, ...(await source.presence(place.scope, name, asker)) };
    } catch (error) {
      // What this service says of failures names no value; anything else is a fault of its own.
      if (!(error instanceof AppError)) throw error;
      return { ...place, asked: true, has: false, error: error.message };
    }
  }

  #asked(asker: Asker): { place: Place; source: SecretSource }[] {
    return placesFor(asker, this.order).flatMap((place) => {
      const source = this.#sources.get(place.source);
      return source ? [{ place, source }] : [];
    });
  }
}

const notAsked = (place: Place, note: string): Tried => ({ ...place, asked: false, has: false, note });

/** Where a name comes from, going by what `explain` tells: nowhere that is known when a source fails before one has it. */
export function winnerOf(tried: readonly Tried[]): Tried | undefined {
  const first = tried.find(({ has, error }) => has || error !== undefined);
  return first?.has ? first : undefined;
}
