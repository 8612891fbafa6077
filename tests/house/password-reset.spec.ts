import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person, receiveMails } from './furnish.js';
import { dumpOf, filesBelow, redisDump } from './kept.js';

const PAGE = '/api/auth/password-reset';
const PATIENT = { timeout: 30_000 };
let home: string;
let house: House;
let mailbox: Awaited<ReturnType<typeof receiveMails>>;
const printed: string[] = [];

beforeAll(async () => {
  home = makeScratchFolder('reset');
  mailbox = await receiveMails();
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'debug',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (_, line) => printed.push(line),
  });
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await mailbox?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('takes who forgot a password from the asking to the next login, and keeps the link’s token nowhere', async () => {
  const [anonymous, admin] = [client(house.url), client(house.url, house.adminKey)];
  await person(house.url, admin, 'ada', 'researcher');
  ok(
    await admin.post('/api/cloud/notifications/channels', {
      channel_type: 'email',
      name: 'mail',
      smtp_host: '127.0.0.1',
      smtp_port: mailbox.port,
      smtp_use_tls: false,
      smtp_from_address: 'house@lineclear.test',
    }),
    201,
  );
  ok(await anonymous.post(PAGE, { username: 'ada' }), 202);
  await vi.waitFor(() => expect(mailbox.mails).toHaveLength(1), PATIENT);
  expect(mailbox.mails[0]).toMatch(/^To: .*ada@lineclear\.test/m);
  const link = new URL(/^https?:\S+$/m.exec(mailbox.mails[0]!)![0]);
  const token = link.hash.slice(1);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(link.pathname).toBe(PAGE);

  const page = await anonymous.get(link.pathname);
  expect(page.headers.get('content-security-policy')).toContain(`frame-ancestors 'none'`);
  const complete = (password: string) =>
    anonymous.post(`${PAGE}/complete`, { token, new_password: password });
  expect((await complete('Password2026!')).body.errors[0].path).toBe('new_password');
  const password = 'the night mail crossing the border';
  ok(await complete(password));
  ok(await anonymous.post('/api/auth/login', { username: 'ada', password }));
  await vi.waitFor(() => expect(mailbox.mails).toHaveLength(2), PATIENT);
  expect(mailbox.mails[1]).toContain('Your password was changed');

  for (const { databaseUrl } of Object.values(house.services))
    if (databaseUrl) expect(await dumpOf(databaseUrl), databaseUrl).not.toContain(token);
  expect(await redisDump(house)).not.toContain(token);
  expect(printed.join('\n')).toContain('/api/auth/password-reset/complete');
  expect(printed.join('\n')).not.toContain(token);
  // JetStream's files, Postgres' files, logs: everything the house keeps.
  for (const { path, bytes } of filesBelow(join(home, 'house')))
    expect(bytes.includes(token), path).toBe(false);
}, 90_000);
