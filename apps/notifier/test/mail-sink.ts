import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A real SMTP server that keeps what it is given. Senders log in as `lineclear` with `password`. */
export interface MailSink {
  readonly port: number;
  readonly mails: readonly ParsedMail[];
  readonly logins: readonly string[];
  /** As the envelopes say, of all that was begun. */
  readonly senders: readonly string[];
  /** Whether a sender may be one. */
  takesSender: (address: string) => boolean;
  close(): Promise<void>;
}

export async function startMailSink(password: string, options: SMTPServerOptions = {}): Promise<MailSink> {
  const mails: ParsedMail[] = [];
  const logins: string[] = [];
  const senders: string[] = [];
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
    onMailFrom({ address }, _session, done) {
      senders.push(address);
      if (sink.takesSender(address)) done();
      else done(Object.assign(new Error('that is not you'), { responseCode: 550 }));
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
  const sink: MailSink = {
    port: (server.server.address() as AddressInfo).port,
    mails,
    logins,
    senders,
    takesSender: () => true,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
  return sink;
}

/** The least that a mail server can be; it says of each mail just these words, which a proper server would not let through. */
export async function startOddMailServer(
  words: string,
): Promise<{ port: number; taken(): number; close(): Promise<void> }> {
  let taken = 0;
  const server = createServer((socket) => {
    let inData = false;
    const say = (text: string): void => void socket.write(`${text}\r\n`);
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      if (!inData) {
        inData = line === 'DATA';
        return say(inData ? '354 go on' : '250 fine');
      }
      if (line !== '.') return;
      inData = false;
      taken += 1;
      say(words);
    });
    say('220 odd');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => taken,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
