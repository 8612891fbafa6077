/** The values that a provider's templates may name. */
export type Fields = Readonly<Record<string, unknown>>;

const WHOLE = /^\{([a-z_]+)\}$/;
const PART = /\{([a-z_]+)\}/g;

/** Fills `{name}` in a path; each value is escaped, so that it stays one segment or one query value. */
export const fillPath = (path: string, fields: Fields): string =>
  path.replace(PART, (placeholder, name: string) =>
    name in fields ? encodeURIComponent(textOf(fields[name])) : placeholder,
  );

/**
 * Fills a JSON body: a string that is just `{name}` becomes the value itself, whatever its type; inside longer strings the
 * value's text is put. What is filled in is never searched for placeholders. Keys whose whole value is absent are left out.
 */
export function fillBody(template: unknown, fields: Fields): unknown {
  if (typeof template === 'string') {
    const name = WHOLE.exec(template)?.[1];
    if (name !== undefined && name in fields) return fields[name];
    return template.replace(PART, (placeholder, part: string) =>
      part in fields ? textOf(fields[part]) : placeholder,
    );
  }
  if (Array.isArray(template)) return template.map((item) => fillBody(item, fields) ?? null);
  if (template === null || typeof template !== 'object') return template;
  const filled: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(template)) {
    const value = fillBody(item, fields);
    if (value !== undefined) filled[key] = value;
  }
  return filled;
}

const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value as string | number | boolean);

/** What a JSON pointer (RFC 6901) points to, or undefined. Only an object's own keys count. */
export function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
