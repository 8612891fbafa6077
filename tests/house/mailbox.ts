import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { startDovecot } from '@lineclear/servers';

/** The relay before the mailbox, as it names itself when it vouches for a sender. */
export const RELAY = 'mx.lineclear.test';
const USER = 'approvals';
export const PASSWORD = 'canary-of-the-mailbox';

export interface SentAnswer {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Whether the relay says that it comes from there. */
  readonly isVouchedFor: boolean;
  /** Further lines of its header. */
  readonly header?: readonly string[];
}

export interface Mailbox {
  /** The fields of a channel that reads it. */
  readonly fields: Readonly<Record<string, unknown>>;
  deliver(answer: SentAnswer): Promise<void>;
  close(): Promise<void>;
}

/** A mailbox on a real mail server. */
export async function openMailbox(dir: string): Promise<Mailbox> {
  const server = await startDovecot({ dir, users: { [USER]: PASSWORD }, durable: false });
  return {
    fields: {
      imap_enabled: true,
      imap_host: '127.0.0.1',
      imap_port: server.port,
      imap_username: USER,
      imap_password: PASSWORD,
      imap_use_ssl: false,
    },
    deliver: (answer) => handOver(server.lmtpSocket, answer),
    close: () => server.stop(),
  };
}

const linesOf = ({ from, to, text, isVouchedFor, header = [] }: SentAnswer): string[] => [
  `Authentication-Results: ${RELAY}; dmarc=${isVouchedFor ? 'pass' : 'fail'} header.from=${from.split('@')[1]}`,
  `From: ${from}`,
  `To: ${to}`,
  'Subject: Re: a job asks for approval',
  `Message-ID: <${randomUUID()}@lineclear.test>`,
  `Date: ${new Date().toUTCString()}`,
  ...header,
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  ...text.split('\n'),
];

/** Says to a server by LMTP what a relay says to it; it keeps the mail, or this throws what it said instead. */
async function handOver(path: string, answer: SentAnswer): Promise<void> {
  const socket = connect(path);
  const commands = [
    `LHLO ${RELAY}`,
    `MAIL FROM:<${answer.from}>`,
    `RCPT TO:<${answer.to.split('@')[0]}>`,
    'DATA',
    [...linesOf(answer).map((line) => line.replace(/^\./, '..')), '.'].join('\r\n'),
    'QUIT',
  ];
  try {
    for await (const line of createInterface({ input: socket })) {
      // More lines of the same answer follow.
      if (line[3] === '-') continue;
      if (!/^[23]/.test(line)) throw new Error(`the mail server said ${line}`);
      const command = commands.shift();
      if (command === undefined) return;
      socket.write(`${command}\r\n`);
    }
    throw new Error('the mail server ended the connection');
  } finally {
    socket.destroy();
  }
}
