// A mail server for one machine: takes mail by SMTP, says who it is from as a relay does, and puts it into the mailboxes of a
// real Dovecot. And a person's mail program, which reads there and answers.
import { connect } from 'node:net';
import { startDovecot } from '@lineclear/servers';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';

const DOMAIN = 'lineclear.test';
/** Whose word the house takes for who sent an answer. Elsewhere it asks the sender's domain itself (DMARC). */
export const RELAY = 'post-office.lineclear.test';

const nameIn = (address) => address.split('@')[0].split('+')[0];

/** What a server of the sender's domain would have proved before it let the mail in: here all have the same one. */
const stamped = (raw) =>
  Buffer.concat([Buffer.from(`Authentication-Results: ${RELAY}; dmarc=pass header.from=${DOMAIN}\r\n`), raw]);

/** @param users names of mailboxes with their passwords */
export async function openPostOffice(dir, users) {
  const dovecot = await startDovecot({ dir, users, durable: false });
  const mailboxes = createTransport({
    lmtp: true,
    secured: true,
    ignoreTLS: true,
    getSocket: (_, done) => {
      const connection = connect(dovecot.lmtpSocket);
      connection.once('connect', () => done(null, { connection }));
      connection.once('error', done);
    },
  });
  const counter = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, { envelope }, done) {
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        const known = envelope.rcptTo.map(({ address }) => address).filter((to) => nameIn(to) in users);
        if (known.length === 0) return done();
        const raw = stamped(Buffer.concat(chunks));
        mailboxes
          .sendMail({ envelope: { from: envelope.mailFrom.address || '', to: known.map(nameIn) }, raw })
          .then(() => done(), done);
      });
    },
  });
  await new Promise((resolve) => counter.listen(0, '127.0.0.1', resolve));
  return {
    smtpPort: counter.server.address().port,
    imapPort: dovecot.port,
    close: async () => {
      await new Promise((resolve) => counter.close(resolve));
      await dovecot.stop();
    },
  };
}

/** What somebody's mail program does: finds a mail by words of its subject, and answers it. */
export function mailProgram({ smtpPort, imapPort }, name, password) {
  const address = `${name}@${DOMAIN}`;
  return {
    async find(words) {
      const client = new ImapFlow({
        host: '127.0.0.1',
        port: imapPort,
        secure: false,
        auth: { user: name, pass: password },
        logger: false,
      });
      await client.connect();
      try {
        await client.mailboxOpen('INBOX', { readOnly: true });
        for (const uid of await client.search({ subject: words }, { uid: true })) {
          const { envelope } = await client.fetchOne(uid, { envelope: true }, { uid: true });
          return envelope;
        }
        return undefined;
      } finally {
        await client.logout();
      }
    },
    async answer({ subject, messageId, date, from, replyTo }, text) {
      const [{ address: writer }] = from;
      await createTransport({ host: '127.0.0.1', port: smtpPort, ignoreTLS: true }).sendMail({
        from: address,
        to: replyTo[0].address,
        subject: `Re: ${subject}`,
        inReplyTo: messageId,
        text: `${text}\n\nOn ${date.toUTCString()}, Lineclear <${writer}> wrote:\n> Reply APPROVE or REJECT above this line\n`,
      });
    },
  };
}
