import { SizeLimitExceededError } from 'ldapts';
import type { Logger } from '@lineclear/kit';
import { normalDn } from '../domain/distinguished-name.js';
import { escapeFilterValue, fillFilter } from '../domain/ldap-filter.js';
import { groupSearchOf, type LdapSettings } from './ldap-config.js';
import type { Found, LdapConnection } from './ldap-connection.js';

/** Active Directory follows membership through any number of groups by itself when asked with this rule. */
const MEMBER_IN_CHAIN = 'member:1.2.840.113556.1.4.1941:';
const MAX_DEPTH = 10;
const MAX_GROUPS = 1_000;
/** Groups whose own groups are asked for in one search. */
const BATCH = 25;

/** DNs without doubles, whatever way each is written; takes no more than the bound. */
class DnSet {
  readonly #byNormal = new Map<string, string>();

  /** @returns whether it is new */
  add(dn: string): boolean {
    const key = normalDn(dn) ?? dn;
    if (this.#byNormal.has(key) || this.isFull) return false;
    this.#byNormal.set(key, dn);
    return true;
  }

  get isFull(): boolean {
    return this.#byNormal.size >= MAX_GROUPS;
  }

  list(): string[] {
    return [...this.#byNormal.values()];
  }
}

/** The DNs of a person's groups: by `memberOf`, by a search for groups, and those that hold these groups when so configured. */
export async function groupsOf(
  person: Found,
  username: string,
  on: {
    readonly connection: LdapConnection;
    readonly config: LdapSettings;
    readonly signal: AbortSignal;
    readonly log: Logger;
  },
): Promise<string[]> {
  const { connection, config, signal, log } = on;
  const groups = new DnSet();
  const search = groupSearchOf(config);
  let fresh = person.texts('memberOf').filter((dn) => groups.add(dn));
  const find = async (filter: string): Promise<void> => {
    if (search === undefined) return;
    const found = connection.searchAll(search.base, { scope: 'sub', attributes: ['1.1'], filter }, signal);
    try {
      for await (const { dn } of found) {
        if (groups.add(dn)) fresh.push(dn);
        if (groups.isFull) break;
      }
    } catch (error) {
      // Fewer groups can only give fewer rights.
      if (!(error instanceof SizeLimitExceededError)) throw error;
      log.warn({ base: search.base }, 'the directory tells this account only some of the groups');
    }
  };
  if (search !== undefined) await find(fillFilter(search.filter, { username, dn: person.dn }));
  if (search !== undefined && config.nested_groups) {
    if (await connection.isActiveDirectory(signal)) {
      await find(`(${MEMBER_IN_CHAIN}=${escapeFilterValue(person.dn)})`);
    } else {
      for (let depth = 1; fresh.length > 0 && depth < MAX_DEPTH && !groups.isFull; depth += 1) {
        const holders = fresh.map((dn) => fillFilter(search.filter, { username, dn }));
        fresh = [];
        for (let at = 0; at < holders.length && !groups.isFull; at += BATCH)
          await find(`(|${holders.slice(at, at + BATCH).join('')})`);
      }
      if (fresh.length > 0) log.warn({ depth: MAX_DEPTH }, 'groups are nested deeper than is followed');
    }
  }
  if (groups.isFull) log.warn({ groups: MAX_GROUPS }, 'a person is in more groups than are looked at');
  return groups.list();
}
