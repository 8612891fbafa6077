import type { RunningService } from '@lineclear/kit';
import type { Slapd } from '@lineclear/servers';
import { client, type Answer } from '@lineclear/testkit';
import { Attribute, Change, type Client as LdapClient } from 'ldapts';
import { openAuthHouse, PROVIDERS, type AuthHouse } from './auth-house.js';
import {
  BASE,
  DirectoryHouse,
  group,
  PASSWORD,
  people,
  person,
  populate,
  rootClient,
  SERVICE,
} from './directory-house.js';

export const LDAP_LOGIN = '/api/cloud/external-auth/ldap/login';

export interface Entering {
  readonly password?: string;
  readonly provider?: string;
  readonly from?: string;
  readonly at?: string;
  readonly remember_me?: boolean;
}

/** The auth service, a second replica of it, and a real directory. */
export interface LdapHouse extends AuthHouse {
  readonly directories: DirectoryHouse;
  readonly slapd: Slapd;
  readonly replica: RunningService;
  /** Describes a directory; it is one that speaks in clear text unless the settings say otherwise. */
  describe(name: string, config?: object, more?: object): Promise<Answer>;
  /** Makes somebody in the directory; gives their name there. */
  someone(attributes?: Record<string, string>): Promise<string>;
  /** Puts somebody into a group of the directory, or takes them out of it. */
  join(uid: string, cn: string): Promise<void>;
  leave(uid: string, cn: string): Promise<void>;
  enter(username: string, options?: Entering): Promise<Answer>;
}

export async function openLdapHouse(): Promise<LdapHouse> {
  const [house, directories] = [await openAuthHouse(), new DirectoryHouse()];
  const slapd = await directories.slapd('plain');
  await populate(slapd);
  const replica = await house.startReplica();
  const root: LdapClient = await rootClient(slapd);
  let made = 0;
  const member = (operation: 'add' | 'delete', uid: string, cn: string): Promise<void> =>
    root.modify(
      group(cn),
      new Change({ operation, modification: new Attribute({ type: 'member', values: [people(uid)] }) }),
    );
  return {
    ...house,
    directories,
    slapd,
    replica,
    describe: (name, config = {}, more = {}) =>
      house.admin.post(PROVIDERS, {
        name,
        provider_type: 'ldap',
        ...more,
        config: {
          ...('servers' in config ? {} : { server: slapd.url }),
          base_dn: BASE,
          bind_dn: SERVICE.dn,
          bind_password: SERVICE.password,
          user_search_filter: '(uid={username})',
          ...config,
        },
      }),
    async someone(attributes = {}) {
      made += 1;
      const uid = `person${made}`;
      await root.add(people(uid), person(uid, { mail: `${uid}@corp.test`, ...attributes }));
      return uid;
    },
    join: (uid, cn) => member('add', uid, cn),
    leave: (uid, cn) => member('delete', uid, cn),
    enter: (username, { password = PASSWORD, from, at = house.service.url, ...more } = {}) =>
      client(at).post(
        LDAP_LOGIN,
        { username, password, ...more },
        from === undefined ? {} : { 'x-forwarded-for': from },
      ),
    async close() {
      await root.unbind();
      await replica.close();
      await house.close();
      await directories.stop();
    },
  };
}
