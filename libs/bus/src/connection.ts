import type { Logger } from '@lineclear/kit';
import { connect, type NatsConnection } from '@nats-io/transport-node';

/**
 * Opens this process's one connection to NATS and keeps it: it waits for the first connection and reconnects for ever.
 * Replies come to `_INBOX.<service>.…`, which no other service's user may read.
 */
export async function connectNats(url: string, service: string, log: Logger): Promise<NatsConnection> {
  const { protocol, host, username, password } = new URL(url);
  const connection = await connect({
    servers: `${protocol}//${host}`,
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
    name: service,
    inboxPrefix: `_INBOX.${service}`,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 20_000,
    // Passwords are changed on one side first: what is refused now may be taken in a minute.
    ignoreAuthErrorAbort: true,
    ...(protocol === 'tls:' ? { tls: {} } : {}),
  });
  void logStatus(connection, log);
  void connection.closed().then((error) => {
    // Closed by us, there is no error.
    if (!(error instanceof Error)) return;
    log.fatal({ err: error }, 'the connection to NATS is closed for good: this process ends');
    setImmediate(() => {
      throw error;
    });
  });
  return connection;
}

async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') log.warn('lost NATS: events wait in the outbox');
    if (status.type === 'reconnect') log.info('NATS is back');
    if (status.type === 'error') log.error({ err: status.error }, 'NATS refused something');
  }
}
