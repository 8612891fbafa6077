import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { toolEnv, type Source } from './config.js';
import { unpackedDeb } from './deb-package.js';
import { type Finder, findProgram } from './find.js';
import { installed } from './on-path.js';
import { probeDovecot } from './probes.js';
import { runServer } from './process-server.js';
import { randomPassword } from './redis.js';
import { mustRun } from './run.js';
import type { Program, Server, ServerOptions } from './server.js';
import { giveToServer, isRoot, openDataFolder } from './unprivileged.js';

const HELP = 'Install it: apt install dovecot-imapd dovecot-lmtpd.';
/** 2.4 reads settings of another form. */
const FORM = [2, 3];
const LIBEXEC_FOLDERS = ['usr/lib/dovecot', 'usr/libexec/dovecot'];
const PROBE_USER = 'probe';

export interface DovecotOptions extends ServerOptions {
  /** Who may log in, with which password; each has a mailbox. */
  readonly users: Readonly<Record<string, string>>;
  /** With it clients may log in with a JWT (HS256) of this key, whose `email` is the user. */
  readonly tokenKey?: string;
  /** PEM. With it clients must speak TLS from the first byte. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface Dovecot extends Server<'dovecot'> {
  /** The socket that takes mail by LMTP for `<user>` and `<user>+<anything>`. */
  readonly lmtpSocket: string;
}

interface DovecotProgram extends Program {
  readonly doveconf: string;
  readonly libexec: string;
  /** Where they are not where the program was built to look. */
  readonly modules?: string;
}

/** Starts a real Dovecot: IMAP on its port, mail in by LMTP, each user's mail in a Maildir. */
export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  const program = await findDovecot(options.sources);
  const data = openDataFolder(options.dir, options.durable ?? true);
  const run = join(data, 'run');
  const password = randomPassword();
  const put = (name: string, text: string): string => {
    const path = join(data, name);
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600 });
    giveToServer(path);
    return path;
  };
  for (const folder of ['run', 'state', 'mail']) {
    mkdirSync(join(data, folder), { recursive: true, mode: 0o700 });
    giveToServer(join(data, folder));
  }
  // Each of its processes works in this folder, and there is where the fitted library looks for modules.
  rmSync(join(run, 'modules'), { force: true });
  if (program.modules !== undefined) symlinkSync(program.modules, join(run, 'modules'));
  const users = Object.entries({ ...options.users, [PROBE_USER]: password });
  const { tls } = options;
  const parts = {
    program,
    data,
    ...(await serverNames()),
    users: put('users', users.map(([name, word]) => `${name}:{PLAIN}${word}\n`).join('')),
    tokens: options.tokenKey === undefined ? undefined : putTokenKey(data, put, options.tokenKey),
    tls: tls && { certificate: put('server.pem', tls.certificate), key: put('server.key', tls.key) },
  };
  const server = await runServer(
    {
      kind: 'dovecot',
      how: program.how,
      cwd: data,
      env: { ...program.env, HOME: data },
      stopSignal: 'SIGTERM',
      command: (port) => {
        const config = put('dovecot.conf', configText(parts, port));
        // It reads its settings by starting a program from where it was built to be: so that one starts it instead.
        const read = ['-f', 'service=master', '-c', config, '-m', 'master'];
        return { file: program.doveconf, args: [...read, '-e', program.file, '-F', '-c', config] };
      },
      url: (port) => `${tls ? 'imaps' : 'imap'}://127.0.0.1:${port}`,
      probe: (port) => probeDovecot(port, { name: PROBE_USER, password, tls: tls !== undefined }),
      tidy: () => rmSync(join(run, 'master.pid'), { force: true }),
    },
    options,
  );
  // Its pid changes, so the server's own properties stay what they are: getters.
  return Object.defineProperty(server, 'lmtpSocket', {
    value: join(run, 'lmtp'),
    enumerable: true,
  }) as Dovecot;
}

interface Parts {
  readonly program: DovecotProgram;
  readonly data: string;
  readonly user: string;
  readonly group: string;
  readonly users: string;
  /** The settings of logins by token. */
  readonly tokens: string | undefined;
  readonly tls: { certificate: string; key: string } | undefined;
}

/** Where it looks for keys of tokens that name none. */
function putTokenKey(data: string, put: (name: string, text: string) => string, key: string): string {
  const keys = join(data, 'keys');
  for (const folder of ['', 'default', 'default/HS256']) {
    mkdirSync(join(keys, folder), { recursive: true, mode: 0o700 });
    giveToServer(join(keys, folder));
  }
  put('keys/default/HS256/default', Buffer.from(key).toString('base64'));
  return put(
    'oauth2.conf.ext',
    [
      'introspection_mode = local',
      `local_validation_key_dict = fs:posix:prefix=${keys}/`,
      'username_attribute = email',
      '',
    ].join('\n'),
  );
}

function configText({ program, data, user, group, users, tokens, tls }: Parts, port: number): string {
  const block = (name: string, ...lines: string[]): string[] => [`${name} {`, ...lines, '}'];
  const { LD_LIBRARY_PATH: libraries } = program.env ?? {};
  return [
    `base_dir = ${join(data, 'run')}`,
    `state_dir = ${join(data, 'state')}`,
    `libexec_dir = ${program.libexec}`,
    ...(libraries === undefined ? [] : [`import_environment = LD_LIBRARY_PATH=${libraries}`]),
    'log_path = /dev/stderr',
    'protocols = imap lmtp',
    'listen = 127.0.0.1',
    // All of it runs as one user, who need not be root and so can be shut in nowhere.
    `default_internal_user = ${user}`,
    `default_internal_group = ${group}`,
    `default_login_user = ${user}`,
    'first_valid_uid = 1',
    `mail_location = maildir:${join(data, 'mail', '%n')}`,
    'recipient_delimiter = +',
    // A wrong password is told at once.
    'auth_failure_delay = 0',
    'disable_plaintext_auth = no',
    ...(tls ? ['ssl = required', `ssl_cert = <${tls.certificate}`, `ssl_key = <${tls.key}`] : ['ssl = no']),
    ...(tokens === undefined
      ? []
      : [
          'auth_mechanisms = plain login xoauth2 oauthbearer',
          ...block('passdb', 'driver = oauth2', 'mechanisms = xoauth2 oauthbearer', `args = ${tokens}`),
        ]),
    ...block('passdb', 'driver = passwd-file', `args = scheme=PLAIN username_format=%n ${users}`),
    ...block(
      'userdb',
      'driver = static',
      `args = uid=${user} gid=${group} home=${join(data, 'mail', '%n')} allow_all_users=yes`,
    ),
    ...block('namespace inbox', 'inbox = yes'),
    ...block('service anvil', 'chroot ='),
    ...block(
      'service imap-login',
      'chroot =',
      ...block('inet_listener imap', `port = ${tls ? 0 : port}`),
      ...block('inet_listener imaps', `port = ${tls ? port : 0}`, 'ssl = yes'),
    ),
    '',
  ].join('\n');
}

/** By name, as its settings ask for them. */
async function serverNames(): Promise<{ user: string; group: string }> {
  const user = isRoot() ? 'nobody' : userInfo().username;
  return { user, group: (await mustRun('id', ['-gn', user], { env: toolEnv() })).trim() };
}

function findDovecot(sources: readonly Source[] | undefined): Promise<DovecotProgram> {
  const path: Finder = async () => {
    const found = await installed(['dovecot']);
    const fit = found.find(({ version }) => FORM.every((part, at) => version[at] === part));
    if (fit === undefined)
      return found.length === 0 ? 'not installed' : `not 2.3: ${found.map(({ words }) => words).join(', ')}`;
    return withParts('/', { file: fit.file, how: `installed ${fit.file}, Dovecot ${fit.version.join('.')}` });
  };
  return findProgram('Dovecot 2.3', { path, deb: debDovecot }, sources, HELP) as Promise<DovecotProgram>;
}

/** Dovecot out of the distribution's own packages, with its parts from there too. */
async function debDovecot(): Promise<DovecotProgram | string> {
  const deb = await unpackedDeb({
    name: 'dovecot',
    packages: ['dovecot-imapd'],
    and: ['dovecot-lmtpd'],
    programs: ['usr/sbin/dovecot'],
    versionArgs: ['--version'],
    fit: lookForModulesHere,
  });
  if (typeof deb === 'string') return deb;
  if (!deb.words.startsWith(`${FORM.join('.')}.`)) return `the distribution's is ${deb.words}`;
  const modules = join(deb.root, 'usr/lib/dovecot/modules');
  const libraries = [deb.env['LD_LIBRARY_PATH'], join(modules, 'old-stats')].join(':');
  return withParts(deb.root, {
    file: deb.file,
    env: { ...deb.env, LD_LIBRARY_PATH: libraries },
    how: `distribution package unpacked without root, Dovecot ${deb.words}`,
    modules,
  });
}

const BUILT_IN = '/usr/lib/dovecot/modules\0';

/** No setting names the folder of the TLS module: in the library that loads it, it becomes one relative to where it runs. */
function lookForModulesHere(root: string): void {
  const path = join(root, 'usr/lib/dovecot/libdovecot.so.0.0.0');
  const library = readFileSync(path);
  const at = library.indexOf(BUILT_IN);
  if (at === -1) throw new Error(`${path} names no folder of modules`);
  library.write('modules'.padEnd(BUILT_IN.length, '\0'), at, 'latin1');
  writeFileSync(path, library);
}

function withParts(
  root: string,
  program: Program & Pick<DovecotProgram, 'modules'>,
): DovecotProgram | string {
  const libexec = LIBEXEC_FOLDERS.map((folder) => join(root, folder)).find((folder) =>
    ['imap', 'lmtp'].every((part) => existsSync(join(folder, part))),
  );
  if (libexec === undefined) return `${program.file} is there, its imap and lmtp are not`;
  return { ...program, libexec, doveconf: join(root, 'usr/bin/doveconf') };
}
