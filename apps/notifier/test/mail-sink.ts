import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A real SMTP server that keeps what it is given. Senders log in as `lineclear` with `password`. */
export interface MailSink {
  readonly port: number;
  readonly mails: readonly ParsedMail[];
  readonly logins: readonly string[];
  close(): Promise<void>;
}

export async function startMailSink(password: string, options: SMTPServerOptions = {}): Promise<MailSink> {
  const mails: ParsedMail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth(auth, _session, done) {
      logins.push(auth.username ?? '');
      if (auth.username === 'lineclear' && auth.password === password) done(null, { user: auth.username });
      else done(new Error('wrong password'));
    },
    onRcptTo(address, _session, done) {
      if (address.address.startsWith('nobody@'))
        done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
      else if (address.address.startsWith('busy@'))
        done(Object.assign(new Error('try later'), { responseCode: 451 }));
      else done();
    },
    onData(stream, _session, done) {
      simpleParser(stream).then(
        (mail) => {
          mails.push(mail);
          done();
        },
        (error: Error) => done(error),
      );
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    logins,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
