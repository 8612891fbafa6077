/** Where the name that somebody typed goes in a filter. */
export const USERNAME_PLACE = '{username}';
/** Where the DN of the person, or of a group, goes in a filter for groups. */
export const DN_PLACE = '{dn}';

/**
 * A value as it may stand in a filter (RFC 4515): what a filter would read as its own signs is written in hex. Letters
 * beyond ASCII stay as they are, which the RFC allows, because clients read their hex as one letter per byte.
 */
export const escapeFilterValue = (value: string): string =>
  value.replace(/[\0()*\\]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** The filter with its places filled by escaped values; a value that holds a place's name stays that text. */
export function fillFilter(
  template: string,
  values: { readonly username: string; readonly dn?: string },
): string {
  return template.replace(/\{(username|dn)\}/g, (place, name: 'username' | 'dn') => {
    const value = values[name];
    return value === undefined ? place : escapeFilterValue(value);
  });
}

/** The attribute that a filter compares the typed name with, the first one if there are several. */
export const attributeOfUsername = (template: string): string | undefined =>
  /\(([A-Za-z][A-Za-z0-9-]*)=\{username\}\)/.exec(template)?.[1];
