import { SizeLimitExceededError, type SearchOptions } from 'ldapts';
import type { Clock, Logger, Secret } from '@lineclear/kit';
import { normalDn } from '../domain/distinguished-name.js';
import type { ExternalPerson } from '../domain/identity-provider.js';
import { fillFilter } from '../domain/ldap-filter.js';
import { groupSearchOf, serversOf, usernameAttributeOf, type LdapSettings } from './ldap-config.js';
import { isAnswer, type Found, type LdapConnection } from './ldap-connection.js';
import { groupsOf } from './ldap-groups.js';
import { LdapPool, reasonOf } from './ldap-pool.js';
import { NoDirectory } from './ldap-socket.js';

export type DirectoryLogin =
  | { readonly state: 'in'; readonly person: ExternalPerson }
  | { readonly state: 'wrong' }
  | { readonly state: 'unreachable'; readonly reason: string };

const MAX_NAME_LENGTH = 256;
const GUID_BYTES = 16;
/** What a bind is refused with when it is the person's matter: password, state of the account, no password at all. */
const REFUSES_PERSON: readonly number[] = [19, 32, 48, 49, 50, 53];
// Nobody is called so: asked for where it must not matter who it is.
const NOBODY = 'lineclear-test-nobody';

/** An LDAP directory or Active Directory that people log in against. */
export class LdapDirectory {
  readonly #config: LdapSettings;
  readonly #log: Logger;
  readonly #pool: LdapPool;

  constructor(
    config: LdapSettings,
    { password, log, clock }: { readonly password: Secret; readonly log: Logger; readonly clock: Clock },
  ) {
    this.#config = config;
    this.#log = log;
    this.#pool = new LdapPool({
      servers: serversOf(config),
      ca: config.ca_certificate,
      times: {
        connectMs: config.connect_timeout_seconds * 1_000,
        operationMs: config.operation_timeout_seconds * 1_000,
      },
      size: config.pool_size,
      asideMs: config.retry_server_after_seconds * 1_000,
      account: { dn: config.bind_dn, password },
      clock,
      log,
    });
  }

  /** Whether somebody of that name has that password, and who it is. */
  async authenticate(username: string, password: string): Promise<DirectoryLogin> {
    const name = username.trim();
    // Without a password a directory lets anyone in as nobody in particular, which proves nothing.
    if (password === '' || name === '' || name.length > MAX_NAME_LENGTH) return { state: 'wrong' };
    const attempt = async (signal: AbortSignal): Promise<DirectoryLogin> => {
      const person = await this.#pool.use(signal, (service) => this.#prove(service, name, password, signal));
      return person === undefined ? { state: 'wrong' } : { state: 'in', person };
    };
    return this.#inTime(attempt).catch((error: unknown) => ({
      state: 'unreachable',
      reason: reasonOf(error),
    }));
  }

  /** Asks from a new connection on whether the searching account gets in and finds its base; what is wrong, if anything is. */
  async fault(): Promise<string | undefined> {
    const attempt = (signal: AbortSignal): Promise<undefined> =>
      this.#pool.use(signal, (service) => this.#look(service, signal), { mayBeIdle: false });
    return this.#inTime(attempt).catch(reasonOf);
  }

  /** Ends every connection; who is just logging in is told that the directory is unreachable. */
  close(): void {
    this.#pool.close();
  }

  async #inTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#config.login_timeout_seconds * 1_000);
    try {
      return await work(deadline.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #prove(
    service: LdapConnection,
    name: string,
    password: string,
    signal: AbortSignal,
  ): Promise<ExternalPerson | undefined> {
    const found = await this.#find(service, name, signal);
    // Asked in any case, so that it takes no less time when nobody is called so.
    const dn = found?.dn ?? `cn=${NOBODY},${this.#config.base_dn}`;
    const isRight = await this.#isPasswordOf(dn, password, service, signal);
    if (found === undefined || !isRight) return undefined;
    const { email_attribute: email, display_name_attribute: displayName } = this.#config;
    const username = found.texts(usernameAttributeOf(this.#config))[0] ?? name;
    return {
      subject: subjectOf(found),
      username,
      email: found.texts(email)[0],
      emailVerified: this.#config.trust_email,
      displayName: found.texts(displayName)[0] ?? found.texts('cn')[0],
      groups: await groupsOf(found, username, {
        connection: service,
        config: this.#config,
        signal,
        log: this.#log,
      }),
    };
  }

  /** The one entry of that name. */
  async #find(service: LdapConnection, name: string, signal: AbortSignal): Promise<Found | undefined> {
    const hits = await this.#hits(service, name, signal);
    if (hits !== 'many' && hits.length < 2) return hits[0];
    // The name is not told: who mistypes may have typed a password into the wrong field.
    const dns = hits === 'many' ? [] : hits.map(({ dn }) => dn);
    this.#log.warn({ dns }, 'user_search_filter finds several people of one name, so nobody is let in');
    return undefined;
  }

  async #hits(service: LdapConnection, username: string, signal: AbortSignal): Promise<Found[] | 'many'> {
    const { base_dn: base, email_attribute: email, display_name_attribute: displayName } = this.#config;
    const name = usernameAttributeOf(this.#config);
    const options: SearchOptions = {
      scope: 'sub',
      filter: fillFilter(this.#config.user_search_filter, { username }),
      sizeLimit: 2,
      attributes: [...new Set([name, email, displayName, 'cn', 'memberOf', 'entryUUID', 'objectGUID'])],
      explicitBufferAttributes: ['objectGUID'],
    };
    try {
      return await service.search(base, options, signal);
    } catch (error) {
      if (error instanceof SizeLimitExceededError) return 'many';
      throw error;
    }
  }

  /** Asked on a connection of its own: a bind changes who the connection is. */
  async #isPasswordOf(
    dn: string,
    password: string,
    service: LdapConnection,
    signal: AbortSignal,
  ): Promise<boolean> {
    const own = await this.#pool.openAnother(service.server, signal);
    try {
      await own.bind(dn, password, signal);
      return true;
    } catch (error) {
      if (!isAnswer(error)) throw error;
      if (!REFUSES_PERSON.includes(error.code)) throw new NoDirectory(reasonOf(error), { cause: error });
      return false;
    } finally {
      this.#pool.discard(own);
    }
  }

  async #look(service: LdapConnection, signal: AbortSignal): Promise<undefined> {
    const { base_dn: base } = this.#config;
    const bases = new Set([base, groupSearchOf(this.#config)?.base ?? base]);
    for (const each of bases) {
      const found = await service.search(each, { scope: 'base', attributes: ['1.1'] }, signal);
      if (found.length === 0) throw new NoDirectory(`${each} is not there, or not for this account`);
    }
    await this.#hits(service, NOBODY, signal);
  }
}

/** Active Directory's objectGUID, elsewhere RFC 4530's entryUUID, where there is neither the DN. */
function subjectOf(found: Found): string {
  const guid = found.bytes('objectGUID');
  if (guid?.length === GUID_BYTES) return guidText(guid);
  return found.texts('entryUUID')[0]?.toLowerCase() ?? normalDn(found.dn) ?? found.dn;
}

/** As Windows writes it: the first three groups are little-endian numbers. */
function guidText(guid: Buffer): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  const hex = Buffer.from(order.map((at) => guid[at] ?? 0)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
