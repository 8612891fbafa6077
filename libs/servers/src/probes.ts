import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

const ANSWER_WITHIN_MS = 2_000;

/** Says something once connected and reads until the answer is complete. */
async function ask(
  to: number | Socket,
  words: string | Buffer,
  isComplete: (answer: string) => boolean,
): Promise<string> {
  const socket = typeof to === 'number' ? connect({ port: to, host: '127.0.0.1' }) : to;
  try {
    return await Promise.race([
      readAnswer(socket, words, isComplete),
      delay(ANSWER_WITHIN_MS, undefined, { ref: false }).then(() => {
        throw new Error('no answer');
      }),
    ]);
  } finally {
    socket.destroy();
  }
}

function readAnswer(
  socket: Socket,
  words: string | Buffer,
  isComplete: (answer: string) => boolean,
): Promise<string> {
  return new Promise((done, fail) => {
    let answer = '';
    socket.setEncoding(typeof words === 'string' ? 'utf8' : 'latin1');
    socket.once('connect', () => socket.write(words));
    socket.on('data', (part: string) => {
      answer += part;
      if (isComplete(answer)) done(answer);
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`closed after ${JSON.stringify(answer.slice(0, 200))}`)));
  });
}

/** A Redis is ready when it lets us in and no longer loads its data; its own pid shows that it is the one we started. */
export async function probeRedis(
  port: number,
  password: string | undefined,
  pid: number | undefined,
): Promise<void> {
  const login = password === undefined ? '' : `AUTH ${password}\r\n`;
  const answer = await ask(port, `${login}INFO server\r\nPING\r\n`, (text) => /\+PONG\r\n|^-/m.test(text));
  const refused = /^-(.*)$/m.exec(answer);
  if (refused) throw new Error(refused[1]);
  if (pid !== undefined && !answer.includes(`process_id:${pid}\r\n`))
    throw new Error('another Redis answers on this port');
}

/** A NATS greets when it takes clients; its name shows that it is the one we started. */
export async function probeNats(port: number, serverName: string): Promise<void> {
  const answer = await ask(port, '', (text) => text.includes('\r\n'));
  const info = JSON.parse(answer.slice('INFO '.length, answer.indexOf('\r\n'))) as {
    server_name?: string;
    jetstream?: boolean;
  };
  if (info.server_name !== serverName) throw new Error('another NATS answers on this port');
  if (info.jetstream !== true) throw new Error('JetStream is not on');
}

/** A slapd is ready when it lets its root in; only the one that we started knows this password. */
export async function probeSlapd(
  port: number,
  root: { readonly dn: string; readonly password: string; readonly ldaps: boolean },
): Promise<void> {
  const socket = root.ldaps
    ? // Nobody but us is asked here: whose certificate it is, is what the tests of clients look at.
      connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1' });
  const answer = await ask(socket, bindRequest(root.dn, root.password), (text) => text.length >= 10);
  // LDAPMessage { id 1, BindResponse { resultCode ...: its code is the tenth byte while all lengths are short ones.
  if (answer.charCodeAt(9) !== 0) throw new Error(`bind was answered with code ${answer.charCodeAt(9)}`);
}

/** A simple bind in the directory protocol's own bytes. */
function bindRequest(dn: string, password: string): Buffer {
  const part = (tag: number, ...content: Buffer[]): Buffer => {
    const bytes = Buffer.concat(content);
    if (bytes.length > 127) throw new Error('too long for a bind with short lengths');
    return Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  };
  const [one, three] = [Buffer.from([2, 1, 1]), Buffer.from([2, 1, 3])];
  return part(0x30, one, part(0x60, three, part(0x04, Buffer.from(dn)), part(0x80, Buffer.from(password))));
}

/** A Dovecot is ready when it lets a user in; only the one that we started knows this password. */
export async function probeDovecot(
  port: number,
  user: { readonly name: string; readonly password: string; readonly tls: boolean },
): Promise<void> {
  const socket = user.tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1' });
  const words = `a LOGIN "${user.name}" "${user.password}"\r\n`;
  const answer = await ask(socket, words, (text) => /^(?:a |\* BYE).*\r\n/m.test(text));
  const refusal = /^(?:a (?:NO|BAD)|\* BYE).*/m.exec(answer);
  if (refusal) throw new Error(refusal[0]);
}

/** A mail server is ready when it greets who connects. */
export async function probeSmtp(port: number): Promise<void> {
  const answer = await ask(port, '', (text) => /^\d{3} .*\r\n/m.test(text));
  if (!answer.startsWith('220')) throw new Error(answer.trim());
}
