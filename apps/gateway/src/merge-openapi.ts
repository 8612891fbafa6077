import { isDeepStrictEqual } from 'node:util';
import { routeOf, type Service } from './routes.js';

type Json = Readonly<Record<string, unknown>>;

export interface ServiceDocument {
  readonly service: Service | 'gateway';
  readonly document: unknown;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectAt = (value: unknown, key: string): Json => {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : {};
};

/** Rebuilds a document with every string under `$ref` or `mapping` passed through `rename`. */
function rewriteReferences(value: unknown, rename: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => rewriteReferences(item, rename));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === '$ref' && typeof inner === 'string') return [key, rename(inner)];
      if (key === 'mapping' && isObject(inner))
        return [
          key,
          Object.fromEntries(
            Object.entries(inner).map(([k, v]) => [k, typeof v === 'string' ? rename(v) : v]),
          ),
        ];
      return [key, rewriteReferences(inner, rename)];
    }),
  );
}

function referencesOf(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  rewriteReferences(value, (reference) => (found.add(reference), reference));
  return found;
}

type Components = ReadonlyMap<string, unknown>;

/** All components by the reference that names them. Security schemes are named without `$ref`, so theirs stay as they are. */
function componentsOf(document: unknown): Components {
  const sections = Object.entries(objectAt(document, 'components')).filter(
    ([name]) => name !== 'securitySchemes',
  );
  return new Map(
    sections.flatMap(([section, parts]) =>
      isObject(parts)
        ? Object.entries(parts).map(([name, part]) => [`#/components/${section}/${name}`, part] as const)
        : [],
    ),
  );
}

/**
 * References that mean different things in different services: by their own content, or because something they refer to
 * does, which is why it is looked for until nothing new is found.
 */
function clashes(all: readonly Components[]): ReadonlySet<string> {
  const first = new Map<string, unknown>();
  const found = new Set<string>();
  for (const [reference, part] of all.flatMap((components) => [...components])) {
    if (!first.has(reference)) first.set(reference, part);
    else if (!isDeepStrictEqual(first.get(reference), part)) found.add(reference);
  }
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const [reference, part] of first)
      if ([...referencesOf(part)].some((inner) => found.has(inner))) found.add(reference);
  }
  return found;
}

const prefixed = (reference: string, service: string): string => {
  const cut = reference.lastIndexOf('/') + 1;
  return `${reference.slice(0, cut)}${service}.${reference.slice(cut)}`;
};

/** One document for the whole house: what is public of each service's, with clashing names told apart by the service's name. */
export function mergeOpenApi(documents: readonly ServiceDocument[], version: string): Json {
  const components = documents.map(({ document }) => componentsOf(document));
  const shared = new Map<string, number>();
  for (const part of components)
    for (const reference of part.keys()) shared.set(reference, (shared.get(reference) ?? 0) + 1);
  const clashing = new Set([...clashes(components)].filter((reference) => (shared.get(reference) ?? 0) > 1));

  const paths: Record<string, Json> = {};
  const sections: Record<string, Record<string, unknown>> = { schemas: {} };
  const tags = new Map<unknown, unknown>();
  const operationIds = new Set<unknown>();
  for (const [index, { service, document }] of documents.entries()) {
    const rename = (reference: string) =>
      clashing.has(reference) ? prefixed(reference, service) : reference;
    for (const [reference, part] of components[index] ?? []) {
      const [, , section = '', name = ''] = rename(reference).split('/');
      (sections[section] ??= {})[name] = rewriteReferences(part, rename);
    }
    for (const [name, scheme] of Object.entries(
      objectAt(objectAt(document, 'components'), 'securitySchemes'),
    ))
      (sections['securitySchemes'] ??= {})[name] ??= scheme;
    for (const [path, item] of Object.entries(objectAt(document, 'paths'))) {
      // A service's /health and the like are not reached through this door.
      if (!isObject(item) || (service !== 'gateway' && routeOf(path)?.service !== service)) continue;
      paths[path] = {
        ...tellApart(rewriteReferences(item, rename) as Json, service, operationIds),
        ...paths[path],
      };
    }
    const listed =
      isObject(document) && Array.isArray(document['tags']) ? (document['tags'] as unknown[]) : [];
    for (const tag of listed) if (isObject(tag) && !tags.has(tag['name'])) tags.set(tag['name'], tag);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Lineclear', version },
    servers: [{ url: '/' }],
    tags: [...tags.values()],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: sections,
  };
}

/** Operation ids must be unique in a document. */
function tellApart(item: Json, service: string, taken: Set<unknown>): Json {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      if (!isObject(operation) || typeof operation['operationId'] !== 'string') return [method, operation];
      const id = operation['operationId'];
      const unique = taken.has(id) ? `${service}.${id}` : id;
      taken.add(unique);
      return [method, { ...operation, operationId: unique }];
    }),
  );
}
