import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newReplyAddress, write } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const RELAY = 'mx.lineclear.test';
/** Several times as many as are handled at once. */
const ANSWERS = 30;
let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse({ REPLY_SENDER_CHECK: 'trusted_relay', REPLY_TRUSTED_AUTHSERV_ID: RELAY });
});
afterAll(() => at?.stop());

it('loses no mail and handles none twice when a replica is killed among those that it handles at once', async () => {
  await at.house.service.close();
  const answers = Array.from({ length: ANSWERS }, newReplyAddress);
  for (const { address, token } of answers) {
    const raw = await write({ to: address, messageId: `<${token}@team.test>`, signedBy: null });
    const word = `Authentication-Results: ${RELAY}; dmarc=pass header.from=team.test\r\n`;
    await at.server.deliver(Buffer.concat([Buffer.from(word), raw]), address);
  }
  const replica = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'], ...at.house.env, LINECLEAR_LOG_LEVEL: 'info', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(replica, 'exit');
  try {
    let handled = 0;
    for await (const line of createInterface({ input: replica.stdout })) {
      if (!line.includes('a mail was received')) continue;
      handled += 1;
      replica.kill('SIGKILL');
    }
    await ended;
    expect(handled).toBeGreaterThan(0);
    expect(handled).toBeLessThan(ANSWERS);
    await at.house.boot();
    for (const { token } of answers) {
      expect(await at.handled(`<${token}@team.test>`)).toMatchObject({ sender: 'trusted_relay' });
      await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
    }
    const { body } = await at.house.admin.get('/api/cloud/notifications/replies?limit=500');
    expect(body.replies).toHaveLength(ANSWERS);
  } finally {
    replica.kill('SIGKILL');
    await ended;
  }
});
