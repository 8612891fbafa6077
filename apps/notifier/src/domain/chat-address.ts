import { isAddress, isAllowed, type AllowedNetworks } from './addresses.js';
import type { ChatType } from './channel.js';

/** Where each platform takes what its webhooks are sent; with a dot in front, any name below. */
const HOSTS: Readonly<Record<ChatType, readonly string[]>> = {
  slack: ['hooks.slack.com', 'hooks.slack-gov.com'],
  teams: ['.logic.azure.com', '.logic.azure.us', '.api.powerplatform.com', '.api.powerplatform.us'],
  discord: ['discord.com', 'discordapp.com', 'canary.discord.com', 'ptb.discord.com'],
};

const isOf = (host: string, known: string): boolean =>
  known.startsWith('.') ? host.endsWith(known) : host === known;

/**
 * Why nothing of this kind may be sent to the URL, or undefined. Whoever has such a URL may write there, so it goes over https
 * and to the platform alone; a server of one's own, in a network that is allowed, is named by its address.
 */
export function faultOfChatUrl(type: ChatType, text: string, allowed: AllowedNetworks): string | undefined {
  const { protocol, hostname, port } = new URL(text);
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isAddress(bare)) {
    return isAllowed(bare, allowed)
      ? undefined
      : `${bare} is not in a network that LINECLEAR_WEBHOOK_ALLOW_CIDRS allows`;
  }
  if (protocol !== 'https:') return 'is not a https URL';
  return port === '' && HOSTS[type].some((known) => isOf(hostname, known))
    ? undefined
    : `is not at ${HOSTS[type].map((known) => known.replace(/^\./, '*.')).join(', ')}`;
}
