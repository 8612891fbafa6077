import { mayLook, placesFor, type Asker, type Place, type SourceName } from '../domain/lookup.js';
import type { Found, Presence, SecretSource } from './source.js';

export interface Resolved extends Found, Place {}
export type Tried = Place & Presence;

/** All sources as one: a name comes from the first place that has it. */
export class SourceChain {
  readonly #sources: ReadonlyMap<SourceName, SecretSource>;

  constructor(sources: readonly SecretSource[]) {
    this.#sources = new Map(sources.map((source) => [source.name, source]));
  }

  /** Finds these names on someone's behalf; what is not in the map, nobody has. */
  async find(names: readonly string[], asker: Asker): Promise<ReadonlyMap<string, Resolved>> {
    const found = new Map<string, Resolved>();
    for (const place of placesFor(asker)) {
      const wanted = names.filter((name) => !found.has(name) && mayLook(asker, place, name));
      if (wanted.length === 0) continue;
      const here = await this.#sourceOf(place).find(place.scope, wanted);
      for (const [name, value] of here) found.set(name, { ...value, ...place });
    }
    return found;
  }

  /** Every place in order, and whether it has the name. Reads no value. */
  async explain(name: string, asker: Asker): Promise<Tried[]> {
    return Promise.all(
      placesFor(asker).map(async (place) => {
        if (!mayLook(asker, place, name))
          return { ...place, has: false, note: 'not asked for a name like this' };
        return { ...place, ...(await this.#sourceOf(place).presence(place.scope, name)) };
      }),
    );
  }

  /** The source that wins for a name of which it is known that `known` has it: only those before it are asked. */
  async winner(name: string, asker: Asker, known: Place): Promise<SourceName> {
    for (const place of placesFor(asker)) {
      if (place.source === known.source && place.scope === known.scope) break;
      if (mayLook(asker, place, name) && (await this.#sourceOf(place).presence(place.scope, name)).has)
        return place.source;
    }
    return known.source;
  }

  #sourceOf(place: Place): SecretSource {
    const source = this.#sources.get(place.source);
    if (!source) throw new Error(`there is no source ${place.source}`);
    return source;
  }
}
