import { type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const ANSWER_WITHIN_MS = 2_000;

/** Connects, says something and reads until the answer is complete. */
async function ask(port: number, words: string, isComplete: (answer: string) => boolean): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
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

function readAnswer(socket: Socket, words: string, isComplete: (answer: string) => boolean): Promise<string> {
  return new Promise((done, fail) => {
    let answer = '';
    socket.setEncoding('utf8');
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
