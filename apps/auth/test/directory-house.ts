import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { Clock, createLogger, Secret, type Logger } from '@lineclear/kit';
import { makeScratchFolder, startSlapd, type Slapd } from '@lineclear/servers';
import { Client, type Filter } from 'ldapts';
import { ldapConfig } from '../src/external/ldap-config.js';
import { LdapDirectory } from '../src/external/ldap-directory.js';
import { BIND, filterOf, nameOf, onMessages, SEARCH } from './ldap-messages.js';

// Made once by openssl, good until 2126: server.pem (localhost, 127.0.0.1) and elsewhere.pem (elsewhere.example) are signed by
// ca.pem, whose key was thrown away.
export const pem = (name: string): string =>
  readFileSync(new URL(`./certificates/${name}`, import.meta.url), 'utf8');

export const BASE = 'dc=example,dc=org';
export const SERVICE = { dn: `cn=svc,${BASE}`, password: 'service password' };
export const PASSWORD = 'correct horse battery';

export class TestClock extends Clock {
  laterMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.laterMs);
  }
}

interface Tcp {
  readonly url: string;
  open(): number;
  peak(): number;
}
export interface Relay extends Tcp {
  /** What was searched so far. */
  readonly filters: (Filter | undefined)[];
  /** Who logged in, or wanted to, so far. */
  readonly binds: string[];
  /** Keeps answers on connections that come from now on until what it returns is called. */
  hold(): () => void;
}

/** Real directories with the same people, and what is opened on them. */
export class DirectoryHouse {
  readonly dir = makeScratchFolder('ldap-test');
  readonly clock = new TestClock();
  /** What was logged, message and all. */
  readonly logged: string[] = [];
  readonly #ends: (() => unknown)[] = [];

  async slapd(
    name: string,
    options: { certificate?: string; ldaps?: boolean; settings?: readonly string[] } = {},
  ): Promise<Slapd> {
    const { certificate = 'server', ldaps = false, settings = [] } = options;
    const slapd = await startSlapd({
      dir: join(this.dir, name),
      suffix: BASE,
      durable: false,
      tls: { certificate: pem(`${certificate}.pem`), key: pem(`${certificate}.key`), ldaps },
      // The most careless server: a bind without a password succeeds.
      settings: { global: ['allow bind_anon_cred bind_anon_dn', ...settings] },
    });
    this.#ends.push(() => slapd.stop());
    return slapd;
  }

  /** A client of a server with any settings over those that every test needs. */
  directory(server: string, more: Record<string, unknown> = {}): LdapDirectory {
    const { bind_password = SERVICE.password, ...config } = more;
    const directory = new LdapDirectory(
      ldapConfig.parse({
        ...(more['servers'] === undefined ? { server } : {}),
        base_dn: BASE,
        bind_dn: SERVICE.dn,
        user_search_filter: '(uid={username})',
        ...config,
      }),
      { password: new Secret(String(bind_password)), log: this.#log(), clock: this.clock },
    );
    this.#ends.push(() => directory.close());
    return directory;
  }

  /** A server that takes connections and does with them what the test says; counts them. */
  async tcp(serve: (socket: Socket) => void): Promise<Tcp> {
    const sockets = new Set<Socket>();
    let peak = 0;
    const server = createServer((socket) => {
      sockets.add(socket);
      peak = Math.max(peak, sockets.size);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
      serve(socket);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    this.#ends.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const url = `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { url, open: () => sockets.size, peak: () => peak };
  }

  /** Passes everything on to that port, and hears what is searched and who logs in. */
  async through(port: number): Promise<Relay> {
    const filters: (Filter | undefined)[] = [];
    const binds: string[] = [];
    const held: { until?: Promise<void> } = {};
    const relay = await this.tcp((socket) => {
      const onward = connect({ port, host: '127.0.0.1' });
      onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      onMessages(socket, ({ operation, reader }) => {
        if (operation === SEARCH) filters.push(filterOf(reader));
        if (operation === BIND) binds.push(nameOf(reader));
      });
      socket.pipe(onward);
      void (held.until ?? Promise.resolve()).then(() => onward.pipe(socket));
    });
    const hold = (): (() => void) => {
      let release = (): void => undefined;
      held.until = new Promise((done) => (release = done));
      return () => {
        delete held.until;
        release();
      };
    };
    return { ...relay, filters, binds, hold };
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    await rm(this.dir, { recursive: true, force: true });
  }

  #log(): Logger {
    const log = createLogger({ name: 'auth', format: 'json', level: 'silent' });
    log.warn = (...words: unknown[]) => void this.logged.push(JSON.stringify(words));
    return log;
  }
}

export const person = (
  uid: string,
  more: Record<string, string | string[]> = {},
): Record<string, string | string[]> => ({
  objectClass: 'inetOrgPerson',
  cn: uid,
  sn: uid,
  uid,
  userPassword: PASSWORD,
  ...more,
});
export const people = (uid: string): string => `uid=${uid},ou=people,${BASE}`;
export const group = (cn: string): string => `cn=${cn},ou=groups,${BASE}`;

/** Who may do everything. This client is not the one that is tested, so it takes any certificate. */
export async function rootClient(slapd: Slapd): Promise<Client> {
  const tlsOptions = slapd.url.startsWith('ldaps') ? { rejectUnauthorized: false } : undefined;
  const client = new Client({ url: slapd.url, ...(tlsOptions && { tlsOptions }) });
  await client.bind(slapd.root.dn, slapd.root.password);
  return client;
}

/** The people and groups of every test. Added online: slapd keeps `memberOf` only for groups that come while it runs. */
export async function populate(slapd: Slapd): Promise<void> {
  const client = await rootClient(slapd);
  const add = (dn: string, entry: Record<string, string | string[]>): Promise<void> => client.add(dn, entry);
  await add(BASE, { objectClass: ['dcObject', 'organization'], o: 'Example' });
  await add(SERVICE.dn, {
    objectClass: ['organizationalRole', 'simpleSecurityObject'],
    userPassword: SERVICE.password,
  });
  for (const ou of ['people', 'elsewhere', 'groups'])
    await add(`ou=${ou},${BASE}`, { objectClass: 'organizationalUnit' });
  await add(people('ann'), person('ann', { mail: 'ann@example.org', displayName: 'Ann Lee' }));
  await add(people('bob'), person('bob'));
  await add(people('Zoë'), person('Zoë'));
  await add(people('a*b'), person('a*b'));
  await add(people('nopass'), { objectClass: 'inetOrgPerson', cn: 'nopass', sn: 'nopass', uid: 'nopass' });
  for (const ou of ['people', 'elsewhere']) await add(`cn=twin,ou=${ou},${BASE}`, person('twin'));
  for (const each of ['a', 'b', 'c']) await add(`cn=triplet ${each},ou=people,${BASE}`, person('triplet'));
  const groups: Record<string, string[]> = {
    trainers: [people('ann')],
    'ML, Admins': [group('trainers')],
    // Each holds the other.
    outer: [group('ML\\, Admins'), group('loop')],
    loop: [group('outer')],
    strangers: [people('bob')],
  };
  for (const [cn, member] of Object.entries(groups))
    await add(group(cn.replace(',', '\\,')), { objectClass: 'groupOfNames', cn, member });
  // memberOf knows nothing of these.
  await add(group('unique'), {
    objectClass: 'groupOfUniqueNames',
    cn: 'unique',
    uniqueMember: people('ann'),
  });
  await client.unbind();
}
