import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newReplyAddress, write } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const RELAY = 'mx.lineclear.test';
let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse({ REPLY_SENDER_CHECK: 'trusted_relay', REPLY_TRUSTED_AUTHSERV_ID: RELAY });
});
afterAll(() => at?.stop());

it('loses no mail and handles none twice when a replica is killed among them', async () => {
  await at.house.service.close();
  const replica = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], ...at.house.env, LINECLEAR_LOG_LEVEL: 'info', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: replica.stdout });
  const says = (words: string): Promise<void> =>
    new Promise((heard) => lines.on('line', (line) => (line.includes(words) ? heard() : undefined)));
  const [reading, received] = [says('a mailbox is being read'), says('a mail was received')];
  try {
    await reading;
    const answers = Array.from({ length: 6 }, newReplyAddress);
    for (const { address, token } of answers) {
      const raw = await write({ to: address, messageId: `<${token}@team.test>`, signedBy: null });
      const word = `Authentication-Results: ${RELAY}; dmarc=pass header.from=team.test\r\n`;
      await at.server.deliver(Buffer.concat([Buffer.from(word), raw]), address);
    }
    await received;
    replica.kill('SIGKILL');
    await at.house.boot();
    for (const { token } of answers) {
      expect(await at.handled(`<${token}@team.test>`)).toMatchObject({ sender: 'trusted_relay' });
      await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
    }
  } finally {
    replica.kill('SIGKILL');
    if (replica.exitCode === null && replica.signalCode === null) await once(replica, 'exit');
  }
});
