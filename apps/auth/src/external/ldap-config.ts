import { X509Certificate } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { AndFilter, EqualityFilter, ExtensibleFilter, FilterParser, OrFilter, type Filter } from 'ldapts';
import { z } from 'zod';
import { normalDn } from '../domain/distinguished-name.js';
import { attributeOfUsername, DN_PLACE, fillFilter, USERNAME_PLACE } from '../domain/ldap-filter.js';

const DEFAULT_GROUP_FILTER = `(|(member=${DN_PLACE})(uniqueMember=${DN_PLACE}))`;
const DEFAULT_PORTS = { ldap: 389, ldaps: 636 } as const;
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;
const MAX_SERVERS = 8;

const serverUrl = z.string().max(300).refine(isServerUrl, 'is not ldap://host[:port] or ldaps://host[:port]');
const dn = z
  .string()
  .max(1_000)
  .refine((text) => normalDn(text) !== undefined, 'is not a distinguished name');
const attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, 'is not the name of an attribute');
const seconds = (most: number, byDefault: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0.05).max(most).default(byDefault);
const certificates = z
  .string()
  .max(100_000)
  .refine(areCertificates, 'is not one or more certificates in PEM, and nothing else');

/**
 * What an LDAP provider's `config` holds. Whether a certificate is checked is no setting: it always is, and `ca_certificate`
 * says by whom it may be signed when that is not one of the public authorities.
 */
export const ldapConfig = z
  .strictObject({
    server: serverUrl.optional(),
    /** Tried in this order. */
    servers: z.array(serverUrl).min(1).max(MAX_SERVERS).optional(),
    base_dn: dn,
    /** The account that searches: a DN, or for Active Directory also `name@domain`. */
    bind_dn: z.string().trim().min(1).max(1_000),
    /** Kept apart and sealed; not in a change that leaves it as it is. */
    bind_password: z.string().min(1).max(1_000).optional(),
    user_search_filter: z.string().max(2_000),
    use_ssl: z.boolean().optional(),
    start_tls: z.boolean().default(false),
    ca_certificate: certificates.optional(),
    group_search_base: dn.optional(),
    group_search_filter: z.string().max(2_000).optional(),
    /** Groups that hold the person's groups count as well. */
    nested_groups: z.boolean().default(false),
    /** By default the attribute that `user_search_filter` compares the name with. */
    username_attribute: attribute.optional(),
    email_attribute: attribute.default('mail'),
    /** Whether an address in the directory is its owner's, as people cannot write it themselves: then it finds the account they have here. */
    trust_email: z.boolean().default(false),
    display_name_attribute: attribute.default('displayName'),
    connect_timeout_seconds: seconds(60, 5),
    operation_timeout_seconds: seconds(60, 10),
    /** For one login as a whole, over all servers. */
    login_timeout_seconds: seconds(120, 20),
    /** How long a server that failed is asked only when no other is left. */
    retry_server_after_seconds: z.number().min(0).max(3_600).default(30),
    /** Connections of the searching account at one time. */
    pool_size: z.int().min(1).max(50).default(4),
  })
  .superRefine((config, context) => {
    for (const [path, message] of contradictionsIn(config)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });
type LdapConfig = z.infer<typeof ldapConfig>;
/** How a directory is reached and read, but for the password of the account that searches it. */
export type LdapSettings = Omit<LdapConfig, 'bind_password'>;

type Contradiction = readonly [path: readonly (string | number)[], message: string];

function* contradictionsIn(config: LdapConfig): Generator<Contradiction> {
  yield* contradictionsOfServers(config);
  const reason = whyNoFilter(config.user_search_filter, [USERNAME_PLACE]);
  if (reason !== undefined) yield [['user_search_filter'], reason];
  else if ((config.username_attribute ?? attributeOfUsername(config.user_search_filter)) === undefined)
    yield [['username_attribute'], `is needed, as user_search_filter has no (attribute=${USERNAME_PLACE})`];
  const { group_search_filter: groups } = config;
  if (groups === undefined) return;
  const groupReason = whyNoFilter(groups, [DN_PLACE, USERNAME_PLACE]);
  if (groupReason !== undefined) yield [['group_search_filter'], groupReason];
  else if (config.nested_groups && !groups.includes(DN_PLACE))
    yield [
      ['group_search_filter'],
      `must hold ${DN_PLACE} when nested_groups is on: groups are members by DN`,
    ];
}

function* contradictionsOfServers(config: LdapConfig): Generator<Contradiction> {
  const { server, servers, use_ssl: useSsl, start_tls: startTls } = config;
  if (server === undefined && servers === undefined)
    return yield [['server'], 'is missing: one server here, or several in servers'];
  if (server !== undefined && servers !== undefined)
    return yield [['servers'], 'names servers while server names one: give either'];
  const urls = servers ?? [server ?? ''];
  const isTls = (url: string): boolean => url.toLowerCase().startsWith('ldaps:');
  if (useSsl === true && !urls.every(isTls)) yield [['use_ssl'], 'wants ldaps://, and a server is ldap://'];
  if (useSsl === false && urls.some(isTls)) yield [['use_ssl'], 'forbids ldaps://, and a server is ldaps://'];
  if (startTls && urls.some(isTls)) yield [['start_tls'], 'is for ldap://, and a server is ldaps://'];
  for (const [index, url] of urls.entries()) {
    if (startTls || isTls(url) || isLoopback(parts(url).host)) continue;
    const path = servers === undefined ? ['server'] : ['servers', index];
    yield [path, 'would carry passwords in clear text: use ldaps:// or start_tls'];
  }
  if (config.ca_certificate !== undefined && !startTls && !urls.some(isTls))
    yield [['ca_certificate'], 'has nothing to check: neither ldaps:// nor start_tls is used'];
}

/** What keeps a text from being a filter with these places, each in the value of a comparison. */
function whyNoFilter(text: string, places: readonly string[]): string | undefined {
  if (!places.some((place) => text.includes(place))) return `must hold ${places.join(' or ')}`;
  // The client's parser reads these as one letter per byte.
  if (/\\[89a-f][0-9a-f]/i.test(text)) return 'writes a letter in hex: write the letter itself';
  const sign = 'name0of0somebody';
  let filter: Filter;
  try {
    filter = FilterParser.parseString(fillFilter(text, { username: sign, dn: sign }));
  } catch {
    return 'is not a search filter, such as (uid={username})';
  }
  const wanted = text.split(/\{(?:username|dn)\}/).length - 1;
  if (comparisonsWith(filter, sign) !== wanted)
    return 'may hold what is filled in only as the value of a comparison, such as (uid={username})';
  return undefined;
}

/** How often the sign stands in values that are compared as a whole, and not under a negation. */
function comparisonsWith(filter: Filter, sign: string): number {
  if (filter instanceof AndFilter || filter instanceof OrFilter)
    return filter.filters.reduce((sum, part) => sum + comparisonsWith(part, sign), 0);
  if (filter instanceof EqualityFilter || filter instanceof ExtensibleFilter)
    return String(filter.value).split(sign).length - 1;
  return 0;
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(text);
  const { host, port } = parts(text);
  return (
    /^ldaps?:$/.test(protocol) &&
    [username, password, search, hash].every((part) => part === '') &&
    ['', '/'].includes(pathname) &&
    (isIP(host) !== 0 || HOST.test(host)) &&
    port > 0
  );
}

function parts(url: string): { host: string; port: number; isTls: boolean } {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'ldaps:';
  const byDefault = isTls ? DEFAULT_PORTS.ldaps : DEFAULT_PORTS.ldap;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? byDefault : Number(port), isTls };
}

const isLoopback = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

function areCertificates(text: string): boolean {
  const blocks = [...text.matchAll(PEM)];
  // A private key in here would be kept and shown like the public thing that a certificate is.
  if (blocks.length === 0 || text.replace(PEM, '').trim() !== '') return false;
  return blocks.every(([block, kind]) => {
    try {
      return kind === 'CERTIFICATE' && new X509Certificate(block) instanceof X509Certificate;
    } catch {
      return false;
    }
  });
}

/** One server of the directory and how it is spoken to. */
export interface DirectoryServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'start_tls' | 'none';
}

/** The servers of a configuration, in the order in which they are tried. */
export const serversOf = (config: LdapSettings): DirectoryServer[] =>
  (config.servers ?? [config.server ?? '']).map((url) => {
    const { host, port, isTls } = parts(url);
    return { url, host, port, security: isTls ? 'tls' : config.start_tls ? 'start_tls' : 'none' };
  });

/** The attribute that holds a person's name here. */
export const usernameAttributeOf = (config: LdapSettings): string =>
  config.username_attribute ?? attributeOfUsername(config.user_search_filter) ?? 'uid';

/** Where and how groups are searched; undefined when `memberOf` alone is asked. */
export function groupSearchOf(config: LdapSettings): { base: string; filter: string } | undefined {
  const { group_search_base: base, group_search_filter: filter, nested_groups: isNested } = config;
  if (base === undefined && filter === undefined && !isNested) return undefined;
  return { base: base ?? config.base_dn, filter: filter ?? DEFAULT_GROUP_FILTER };
}
