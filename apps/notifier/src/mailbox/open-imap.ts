import { isIP } from 'node:net';
import type { Secret } from '@lineclear/kit';
import type { ImapFlow } from 'imapflow';
import type { AllowedNetworks } from '../domain/addresses.js';
import type { OpenMailbox } from '../domain/mailbox-settings.js';
import { checkLiteral, guardedLookup, type ResolveAll } from '../outbound/guarded-lookup.js';
import { MAX_MAIL_BYTES } from './judge-mail.js';

// Between two commands of ours IDLE would only be in the way; soon after them it shows each mail at once.
const IDLE_AFTER_MS = 20;
/** An idle connection is heard of so often: of one that broke without a word nothing else would tell. */
const NEWS_AT_LEAST_MS = 60_000;
const MAX_LINE_BYTES = 1 << 20;

export interface ImapParts {
  readonly allowed: AllowedNetworks;
  readonly timeoutMs: number;
  readonly resolve?: ResolveAll;
}

/** The address to connect to, where nothing forbids it: the name is not looked up again by anybody. */
async function addressOf(host: string, { allowed, resolve }: ImapParts): Promise<string> {
  checkLiteral(host, allowed);
  const lookup = guardedLookup(allowed, resolve);
  return new Promise((found, reject) => {
    lookup(host, {}, (error, address) => (error ? reject(error) : found(address as string)));
  });
}

/** Logs in to a mailbox, with a password unless it is said to be a token. Whoever gets the connection closes it. */
export async function openImap(
  mailbox: OpenMailbox,
  secret: Secret,
  parts: ImapParts,
  kind: 'pass' | 'accessToken' = 'pass',
): Promise<ImapFlow> {
  const address = await addressOf(mailbox.host, parts);
  // Read only by a house that reads answers.
  const { ImapFlow } = await import('imapflow');
  const client = new ImapFlow({
    host: address,
    port: mailbox.port,
    secure: mailbox.useSsl,
    ...(isIP(mailbox.host) === 0 ? { servername: mailbox.host } : {}),
    auth: { user: mailbox.username, [kind]: secret.reveal() },
    logger: false,
    autoIdleDelay: IDLE_AFTER_MS,
    maxIdleTime: NEWS_AT_LEAST_MS,
    connectionTimeout: parts.timeoutMs,
    greetingTimeout: parts.timeoutMs,
    socketTimeout: NEWS_AT_LEAST_MS,
    maxLineLength: MAX_LINE_BYTES,
    maxLiteralSize: 2 * MAX_MAIL_BYTES,
    maxResponseSize: 4 * MAX_MAIL_BYTES,
  });
  // Its end is told by `close`; an error that nobody listens to would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.close();
    throw explained(error);
  }
}

export const isLoginRefused = (error: unknown): boolean =>
  (error as { cause?: { authenticationFailed?: boolean } }).cause?.authenticationFailed === true;

/** Says what the server said: imapflow's own message is that a command failed. */
export function explained(error: unknown): Error {
  const { responseText, authenticationFailed } = error as {
    responseText?: string;
    authenticationFailed?: boolean;
  };
  const said =
    responseText === undefined ? '' : `: ${responseText.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200)}`;
  if (authenticationFailed === true)
    return new Error(`the mail server refused the login${said}`, { cause: error });
  if (said !== '') return new Error(`the mail server answered${said}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
