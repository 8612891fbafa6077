import { readFileSync, rmSync } from 'node:fs';
import { makeScratchFolder, startNats, type Server } from '@lineclear/servers';
import { SERVICES, type ServiceName } from '@lineclear/contracts';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';

// The committed permissions, under a real server: what each service's user may say and hear.
const permissions = JSON.parse(
  readFileSync(new URL('../deploy/nats/permissions.json', import.meta.url), 'utf8'),
) as Record<string, object>;
let dir: string;
let nats: Server;

beforeAll(async () => {
  dir = makeScratchFolder('permissions');
  const users = SERVICES.map(
    (name) =>
      `{ user: "${name}", password: "pw-${name}", permissions: ${JSON.stringify(permissions[name])} }`,
  );
  nats = await startNats({
    dir,
    durable: false,
    authorization: `authorization { users: [ ${users.join(', ')} ] }`,
    login: { user: 'auth', password: 'pw-auth' },
  });
});
afterAll(async () => {
  await nats?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const as = (service: ServiceName): Promise<NatsConnection> =>
  connect({
    servers: `127.0.0.1:${nats.port}`,
    user: service,
    pass: `pw-${service}`,
    inboxPrefix: `_INBOX.${service}`,
    reconnect: false,
  });

async function mayAsk(service: ServiceName, subject: string): Promise<boolean> {
  const connection = await as(service);
  try {
    await connection.request(subject, '{}', { timeout: 1_000 });
    return true;
  } catch (error) {
    // Nobody answers here: "no responders" is the answer to those who may ask.
    return /no responders/i.test(String(error));
  } finally {
    await connection.close();
  }
}

async function mayHear(service: ServiceName, subject: string): Promise<boolean> {
  const connection = await as(service);
  let refused = false;
  connection.subscribe(subject, { callback: (error) => void (refused ||= error !== null) });
  await connection.flush();
  await connection.flush();
  await connection.close();
  return !refused;
}

it.each([
  ['job-poller', 'ask.secrets.resolve', true],
  ['notifier', 'ask.secrets.resolve', true],
  ['notifier', 'ask.secrets.store', true],
  ['auth', 'ask.secrets.resolve', false],
  ['approvals', 'ask.secrets.resolve', false],
  ['queue-scheduler', 'ask.secrets.resolve', false],
  ['secrets', 'ask.secrets.resolve', false],
  ['job-poller', 'ask.secrets.store', false],
  ['queue-scheduler', 'ask.approvals.evaluate', true],
  ['job-poller', 'ask.approvals.evaluate', false],
  ['job-poller', 'ask.auth.introspect', true],
  ['notifier', 'ask.auth.reset_link', true],
  ['auth', 'ask.auth.reset_link', false],
  ['job-poller', 'ask.auth.reset_link', false],
  ['queue-scheduler', 'ask.auth.reset_link', false],
  ['secrets', 'ask.auth.reset_link', false],
  ['approvals', 'ask.auth.reset_link', false],
] as const)('%s asking %s: %s', async (service, subject, allowed) => {
  expect(await mayAsk(service, subject)).toBe(allowed);
});

it.each([
  ['queue-scheduler', '_INBOX.job-poller.>', false],
  ['job-poller', '_INBOX.job-poller.>', true],
  ['approvals', 'ask.secrets.resolve', false],
  ['notifier', 'lineclear.>', false],
  ['auth', 'lineclear.auth.principal_changed', true],
  ['job-poller', 'lineclear.secret.changed', true],
  ['notifier', 'lineclear.secret.changed', true],
  ['approvals', 'lineclear.secret.changed', false],
  ['queue-scheduler', 'lineclear.provider.changed', true],
  ['job-poller', 'lineclear.auth.principals_changed', true],
] as const)('%s hearing %s: %s', async (service, subject, allowed) => {
  expect(await mayHear(service, subject)).toBe(allowed);
});

it('lets no service publish the events of another', async () => {
  const connection = await as('job-poller');
  const refused: string[] = [];
  void (async () => {
    for await (const status of connection.status())
      if (status.type === 'error') refused.push(String(status.error));
  })();
  connection.publish('lineclear.approval.granted', '{}');
  await connection.flush();
  await connection.flush();
  await connection.close();
  expect(refused.join()).toMatch(/permissions violation/i);
});
