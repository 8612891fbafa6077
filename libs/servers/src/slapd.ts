import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './config.js';
import { unpackedDeb } from './deb-package.js';
import { type Finder, findProgram } from './find.js';
import { installed, isAtLeast } from './on-path.js';
import { probeSlapd } from './probes.js';
import { runServer } from './process-server.js';
import { randomPassword } from './redis.js';
import type { Program, Server, ServerOptions } from './server.js';
import { giveToServer, openDataFolder } from './unprivileged.js';

const OLDEST = [2, 4];
const HELP = 'Install it: apt install slapd, dnf install openldap-servers.';
const SCHEMAS = ['core', 'cosine', 'inetorgperson'];
// Where distributions keep the schemas and the loadable parts of slapd, under the root of the system.
const SCHEMA_FOLDERS = ['etc/ldap/schema', 'etc/openldap/schema', 'opt/homebrew/etc/openldap/schema'];
const MODULE_FOLDERS = ['usr/lib/ldap', 'usr/lib64/openldap', 'usr/lib/openldap'];

export interface SlapdOptions extends ServerOptions {
  /** The base of its one database, such as `dc=example,dc=org`; it starts without an entry. */
  readonly suffix: string;
  /** PEM. With it clients may use StartTLS, or with `ldaps` must speak TLS from the first byte. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ldaps?: boolean };
  /** Lines of slapd.conf, before its database begins and within it. */
  readonly settings?: { readonly global?: readonly string[]; readonly database?: readonly string[] };
}

export interface Slapd extends Server<'slapd'> {
  /** Who may do everything in the directory. */
  readonly root: { readonly dn: string; readonly password: string };
}

interface SlapdProgram extends Program {
  readonly schemas: string;
  /** Absent where database and overlays are built in. */
  readonly modules?: string;
}

/** Starts a real OpenLDAP with a directory of its own that keeps `memberOf` up to date, for entries that are added while it runs. */
export async function startSlapd(options: SlapdOptions): Promise<Slapd> {
  const { durable = true, tls } = options;
  const program = await findSlapd(options.sources);
  const data = openDataFolder(options.dir, durable);
  const root = { dn: `cn=root,${options.suffix}`, password: randomPassword() };
  const put = (name: string, text: string): string => {
    const path = join(data, name);
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600 });
    giveToServer(path);
    return path;
  };
  const files = tls && { certificate: put('server.pem', tls.certificate), key: put('server.key', tls.key) };
  mkdirSync(join(data, 'db'), { recursive: true, mode: 0o700 });
  giveToServer(join(data, 'db'));
  const config = put('slapd.conf', configText({ program, data, durable, root, files, options }));
  const scheme = tls?.ldaps === true ? 'ldaps' : 'ldap';
  const url = (port: number): string => `${scheme}://127.0.0.1:${port}`;
  const server = await runServer(
    {
      kind: 'slapd',
      how: program.how,
      cwd: data,
      // What a machine's own ldap.conf says is for its clients, not for this server.
      env: { ...program.env, HOME: data, LDAPNOINIT: '1' },
      stopSignal: 'SIGTERM',
      command: (port) => ({ file: program.file, args: ['-f', config, '-h', url(port), '-d', '0'] }),
      url,
      probe: (port) => probeSlapd(port, { ...root, ldaps: scheme === 'ldaps' }),
    },
    options,
  );
  // Its pid changes, so the server's own properties stay what they are: getters.
  return Object.defineProperty(server, 'root', { value: root, enumerable: true }) as Slapd;
}

function configText(make: {
  program: SlapdProgram;
  data: string;
  durable: boolean;
  root: Slapd['root'];
  files: { certificate: string; key: string } | undefined;
  options: SlapdOptions;
}): string {
  const { program, data, durable, root, files, options } = make;
  const hasModules = program.modules !== undefined;
  return [
    ...SCHEMAS.map((name) => `include ${JSON.stringify(join(program.schemas, `${name}.schema`))}`),
    ...(hasModules
      ? [`modulepath ${JSON.stringify(program.modules)}`, 'moduleload back_mdb', 'moduleload memberof']
      : []),
    ...(files
      ? [
          `TLSCertificateFile ${JSON.stringify(files.certificate)}`,
          `TLSCertificateKeyFile ${JSON.stringify(files.key)}`,
        ]
      : []),
    ...(options.settings?.global ?? []),
    'database mdb',
    `suffix ${JSON.stringify(options.suffix)}`,
    `directory ${JSON.stringify(join(data, 'db'))}`,
    'maxsize 268435456',
    ...(durable ? [] : ['dbnosync']),
    `rootdn ${JSON.stringify(root.dn)}`,
    `rootpw ${root.password}`,
    'index objectClass,entryUUID,member,uniqueMember,uid,cn eq',
    ...(options.settings?.database ?? []),
    'overlay memberof',
    '',
  ].join('\n');
}

function findSlapd(sources: readonly Source[] | undefined): Promise<SlapdProgram> {
  const path: Finder = async () => {
    const found = await installed(['slapd'], ['/usr/libexec', '/opt/homebrew/opt/openldap/libexec'], ['-VV']);
    const fit = found.find(({ version }) => isAtLeast(version, OLDEST));
    if (fit === undefined)
      return found.length === 0 ? 'not installed' : `too old: ${found.map(({ words }) => words).join(', ')}`;
    return withParts('/', {
      file: fit.file,
      how: `installed ${fit.file}, OpenLDAP ${fit.version.join('.')}`,
    });
  };
  return findProgram(
    `OpenLDAP ${OLDEST.join('.')} or newer`,
    { path, deb: debSlapd },
    sources,
    HELP,
  ) as Promise<SlapdProgram>;
}

/** slapd out of the distribution's own package, with its schemas and modules from there too. */
async function debSlapd(): Promise<SlapdProgram | string> {
  const deb = await unpackedDeb({
    name: 'slapd',
    packages: ['slapd'],
    programs: ['usr/sbin/slapd'],
    versionArgs: ['-VV'],
  });
  if (typeof deb === 'string') return deb;
  const version = /slapd ([\d.]+)/.exec(deb.words)?.[1] ?? deb.words;
  return withParts(deb.root, {
    file: deb.file,
    env: deb.env,
    how: `distribution package unpacked without root, OpenLDAP ${version}`,
  });
}

function withParts(root: string, program: Program): SlapdProgram | string {
  const existing = (folders: readonly string[], needed: string): string | undefined =>
    folders.map((folder) => join(root, folder)).find((folder) => existsSync(join(folder, needed)));
  const schemas = existing(SCHEMA_FOLDERS, 'core.schema');
  if (schemas === undefined) return `${program.file} is there, its schemas are not`;
  const modules = existing(MODULE_FOLDERS, 'back_mdb.la') ?? existing(MODULE_FOLDERS, 'back_mdb.so');
  return { ...program, schemas, ...(modules === undefined ? {} : { modules }) };
}
