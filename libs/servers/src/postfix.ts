import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackedDeb } from './deb-package.js';
import { type Finder, findProgram } from './find.js';
import { probeSmtp } from './probes.js';
import { runServer } from './process-server.js';
import type { Program, Server, ServerOptions } from './server.js';
import { isRoot, serverUser } from './unprivileged.js';

const HELP = 'It takes root, and a Debian whose packages can be fetched.';
/** A group of every system that none of Postfix's processes is in otherwise. */
const QUEUE_GROUP = 8;
/** As whom it runs what somebody's mail asks for: not as who owns its queue. */
const NOBODYS = 'daemon';
// prettier-ignore
const FOLDERS = [
  'active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'maildrop', 'pid', 'private', 'public',
  'saved', 'trace',
];

export interface PostfixOptions extends ServerOptions {
  /** Mail for it is handed on; all other mail comes back to its sender as to nobody who is known. */
  readonly domain: string;
  /** Where mail for the domain is handed on, by LMTP. */
  readonly lmtpSocket: string;
}

interface PostfixProgram extends Program {
  readonly root: string;
}

/**
 * Starts a real Postfix that takes any mail by SMTP from this machine, hands on what is for one domain, and returns the rest to
 * its sender. @throws where we are not root: it separates its parts from each other by users.
 */
export async function startPostfix(options: PostfixOptions): Promise<Server<'postfix'>> {
  if (!isRoot()) throw new Error(`Postfix does not start. ${HELP}`);
  const program = await findPostfix(options.sources);
  const { dir } = options;
  // Its parts pass through here, as whoever they run as.
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  chmodSync(dir, 0o711);
  const [etc, queue, data] = ['etc', 'queue', 'data'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const { uid = 0, gid = 0 } = serverUser();
  for (const folder of [etc, queue, data]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  chownSync(data, uid, gid);
  for (const name of FOLDERS) {
    const folder = join(queue, name);
    mkdirSync(folder, { recursive: true });
    const isShared = name === 'public' || name === 'maildrop';
    if (name !== 'pid') chownSync(folder, uid, isShared ? QUEUE_GROUP : gid);
    chmodSync(folder, name === 'pid' ? 0o755 : isShared ? 0o730 : 0o700);
  }
  const { root } = program;
  const sbin = join(root, 'usr/lib/postfix/sbin');
  writeFileSync(join(etc, 'main.cf'), mainText({ root, queue, data }, options));
  return runServer(
    {
      kind: 'postfix',
      how: program.how,
      cwd: queue,
      env: { ...program.env, MAIL_CONFIG: etc },
      asOurselves: true,
      stopSignal: 'SIGTERM',
      command: (port) => {
        writeFileSync(join(etc, 'master.cf'), masterText(port));
        return { file: join(sbin, 'master'), args: ['-d', '-c', etc] };
      },
      url: (port) => `smtp://127.0.0.1:${port}`,
      probe: (port) => probeSmtp(port),
      tidy: () => rmSync(join(queue, 'pid/master.pid'), { force: true }),
    },
    options,
  );
}

function mainText(
  { root, queue, data }: { root: string; queue: string; data: string },
  { domain, lmtpSocket }: PostfixOptions,
): string {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${queue}`,
    `data_directory = ${data}`,
    `daemon_directory = ${root}/usr/lib/postfix/sbin`,
    `command_directory = ${root}/usr/sbin`,
    `shlib_directory = ${root}/usr/lib/postfix`,
    `meta_directory = ${root}/etc/postfix`,
    'mail_owner = nobody',
    'setgid_group = mail',
    `default_privs = ${NOBODYS}`,
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    `myhostname = mx.${domain}`,
    'mydestination =',
    'local_recipient_maps =',
    'alias_maps =',
    'alias_database =',
    'mynetworks = 127.0.0.0/8',
    'smtpd_relay_restrictions = permit_mynetworks, reject',
    // Taken, and then returned: a mail that is refused at the door is not a bounce.
    'smtpd_reject_unlisted_recipient = no',
    `virtual_mailbox_domains = ${domain}`,
    `virtual_transport = lmtp:unix:${lmtpSocket}`,
    'default_transport = error:5.1.1 nobody is known there',
    'recipient_delimiter = +',
    'maillog_file = /dev/stdout',
    'import_environment = MAIL_CONFIG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH',
    '',
  ].join('\n');
}

const masterText = (port: number): string =>
  [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
    ...['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`),
    'proxymap unix - - n - - proxymap',
    ...['error', 'retry'].map((name) => `${name} unix - - n - - error`),
    'lmtp unix - - n - - lmtp',
    'anvil unix - - n - 1 anvil',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n');

function findPostfix(sources: ServerOptions['sources']): Promise<PostfixProgram> {
  const deb: Finder = async () => {
    const unpacked = await unpackedDeb({
      name: 'postfix',
      packages: ['postfix'],
      programs: ['usr/sbin/postconf'],
      versionArgs: ['-d', '-h', 'mail_version'],
    });
    if (typeof unpacked === 'string') return unpacked;
    const { file, root, env, words } = unpacked;
    const program: PostfixProgram = {
      file,
      root,
      env,
      how: `distribution package unpacked, Postfix ${words}`,
    };
    return program;
  };
  return findProgram('Postfix', { deb }, sources, HELP) as Promise<PostfixProgram>;
}
