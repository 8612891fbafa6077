import { generateKeyPairSync } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeScratchFolder, startDovecot, type Dovecot } from '@lineclear/servers';
import { ImapFlow } from 'imapflow';
import { sealMessage } from 'mailauth/lib/arc/index.js';
import { createTransport } from 'nodemailer';
import type { ResolveRecords } from '../src/mailbox/dmarc.js';

/** What our mails come from, and where answers to them go. */
export const HOUSE = 'house@lineclear.test';
export const INBOUND = 'approvals@lineclear.test';
export const LOGIN = { user: 'approvals', pass: 'canary-of-the-mailbox' };

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** One that is in no zone. */
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const privateOf = ({ privateKey }: typeof keys): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const PRIVATE = privateOf(keys);

/** All that DNS knows, as long as its servers answer. */
const zone = new Map([
  ['2026._domainkey.team.test', `v=DKIM1; k=rsa; p=${PUBLIC}`],
  ['_dmarc.team.test', 'v=DMARC1; p=reject'],
  ['2026._domainkey.evil.test', `v=DKIM1; k=rsa; p=${PUBLIC}`],
  ['_dmarc.evil.test', 'v=DMARC1; p=none'],
  ['2026._domainkey.sealer.test', `v=DKIM1; k=rsa; p=${PUBLIC}`],
  ['2026._domainkey.other.test', `v=DKIM1; k=rsa; p=${PUBLIC}`],
]);
export const dns = { isAway: false };
export const resolveRecords: ResolveRecords = (name, type) => {
  if (dns.isAway) return Promise.reject(Object.assign(new Error('timed out'), { code: 'ETIMEOUT' }));
  const text = type === 'TXT' ? zone.get(name) : undefined;
  if (text !== undefined) return Promise.resolve([[text]]);
  return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
};

let tokens = 0;
/** The address that answers one question, and nobody asked it before. */
export function newReplyAddress(): { address: string; token: string } {
  tokens += 1;
  const digits = 'abcdefghijklmnopqrstuvwxyz234567';
  const token = `mfrggzdfmztwq2lknnwg23t${digits[tokens >> 5]}${digits[tokens & 31]}a`;
  return { address: `approvals+${token}@lineclear.test`, token };
}

export interface AMail {
  readonly from?: string;
  readonly to: string;
  readonly cc?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
  readonly messageId?: string;
  readonly headers?: Record<string, string>;
  /** Who signs it; null: nobody. */
  readonly signedBy?: string | null;
  readonly unsignedFields?: string;
}

/** A mail as its sender's server would hand it on. */
export async function write(mail: AMail): Promise<Buffer> {
  const { signedBy = 'team.test', unsignedFields, ...rest } = mail;
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    ...(signedBy === null
      ? {}
      : {
          dkim: {
            domainName: signedBy,
            keySelector: '2026',
            privateKey: PRIVATE,
            ...(unsignedFields === undefined ? {} : { skipFields: unsignedFields }),
          },
        }),
  });
  const from = 'Lead <lead@team.test>';
  const sent = (await composer.sendMail({ from, subject: 'Re: [LC-7F3A2C]', text: 'Approve', ...rest })) as {
    message: Buffer;
  };
  return sent.message;
}

export interface ASeal {
  /** Which one of the mail's it is. */
  readonly i: number;
  readonly by: string;
  /** What it says that it found. */
  readonly results: string;
  /** Of the chain before it. */
  readonly cv: 'none' | 'pass' | 'fail';
  /** What the signature beside it covers, with colons between. */
  readonly headers?: string;
  /** Signed with a key that is not that domain's. */
  readonly isForged?: boolean;
}

/** The headers by which a server seals a mail that it forwards (ARC). */
export async function sealOf(raw: string, seal: ASeal): Promise<string> {
  const { i, by, results, cv, headers, isForged = false } = seal;
  const lines = await sealMessage(Buffer.from(raw, 'latin1'), {
    i,
    cv,
    authResults: results,
    signingDomain: by,
    selector: '2026',
    privateKey: isForged ? privateOf(foreign) : PRIVATE,
    // One moment for all of it: without one the seal is signed at one and written at another, which can be in the next second.
    signTime: new Date(),
    ...(headers ? { headerList: headers } : {}),
    // Its types lack the instance, and take the list for an array.
  } as object as Parameters<typeof sealMessage>[1]);
  return lines.toString('latin1');
}

export interface MailServer {
  readonly dovecot: Dovecot;
  /** The fields of a channel that reads its mailbox. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Puts a mail into the mailbox as the server that receives it does. */
  deliver(raw: Buffer, to?: string): Promise<void>;
  /** Does something as the owner of the mailbox. */
  as<T>(work: (client: ImapFlow) => Promise<T>): Promise<T>;
  /** How many mails lie in each folder. */
  counts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export async function startMailServer(
  tls?: { certificate: string; key: string },
  tokenKey?: string,
): Promise<MailServer> {
  const dir = makeScratchFolder('mailbox-test');
  const dovecot = await startDovecot({
    dir: join(dir, 'dovecot'),
    users: { [LOGIN.user]: LOGIN.pass },
    durable: false,
    ...(tls ? { tls } : {}),
    ...(tokenKey === undefined ? {} : { tokenKey }),
  });
  const as = async <T>(work: (client: ImapFlow) => Promise<T>): Promise<T> => {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: dovecot.port,
      secure: tls !== undefined,
      tls: { rejectUnauthorized: false },
      auth: LOGIN,
      logger: false,
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  };
  return {
    dovecot,
    fields: {
      imap_enabled: true,
      imap_host: '127.0.0.1',
      imap_port: dovecot.port,
      imap_username: LOGIN.user,
      imap_password: LOGIN.pass,
      imap_use_ssl: false,
    },
    async deliver(raw, to = INBOUND) {
      const lmtp = createTransport({
        lmtp: true,
        // The socket of a path: a host is none.
        getSocket: (_options: unknown, done: (error: Error | null, opened: object) => void) => {
          const connection = connect(dovecot.lmtpSocket);
          connection.once('connect', () => done(null, { connection }));
          connection.once('error', (error) => done(error, {}));
        },
        secured: true,
        ignoreTLS: true,
      } as object);
      await lmtp.sendMail({ envelope: { from: 'lead@team.test', to: [to.split('@')[0]!] }, raw });
    },
    as,
    counts: () =>
      as(async (client) => {
        const counts: Record<string, number> = {};
        for (const { path } of await client.list()) {
          const status = await client.status(path, { messages: true });
          counts[path] = status === false ? 0 : (status.messages ?? 0);
        }
        return counts;
      }),
    async close() {
      await dovecot.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
