import { expect, it } from 'vitest';
import { parseNetworks } from './addresses.js';
import { faultOfChatUrl } from './chat-address.js';

const NONE = parseNetworks('');
const OWN = parseNetworks('127.0.0.0/8, fd00::/8');

it.each([
  ['slack', 'https://hooks.slack.com/services/T00/B00/xxxx'],
  ['teams', 'https://prod-01.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x'],
  ['teams', 'https://default1.2.environment.api.powerplatform.com/powerautomate/automations/direct/x'],
  ['discord', 'https://discord.com/api/webhooks/1/x'],
] as const)('sends %s messages to %s', (type, url) => {
  expect(faultOfChatUrl(type, url, NONE)).toBeUndefined();
});

it.each([
  ['slack', 'http://hooks.slack.com/services/T00/B00/xxxx', 'https'],
  ['slack', 'https://hooks.slack.com:8443/services/T00', 'is not at'],
  ['slack', 'https://hooks.slack.com.evil.test/services/T00', 'is not at'],
  ['slack', 'https://evil.test/hooks.slack.com', 'is not at'],
  ['slack', 'https://discord.com/api/webhooks/1/x', 'is not at'],
  ['teams', 'https://logic.azure.com/x', 'is not at'],
  ['teams', 'https://evillogic.azure.com/x', 'is not at'],
  ['discord', 'https://cdn.discord.com/x', 'is not at'],
  ['slack', 'https://127.0.0.1/x', 'is not in a network'],
  ['slack', 'https://2130706433/x', 'is not in a network'],
  ['slack', 'https://8.8.8.8/x', 'is not in a network'],
  ['slack', 'https://[fd00::1]/x', 'is not in a network'],
] as const)('sends no %s messages to %s', (type, url, why) => {
  expect(faultOfChatUrl(type, url, NONE)).toContain(why);
});

it.each(['http://127.0.0.1:8065/hooks/x', 'https://[fd00::1]/hooks/x'])(
  'sends to %s where its network is allowed',
  (url) => {
    expect(faultOfChatUrl('slack', url, OWN)).toBeUndefined();
    expect(faultOfChatUrl('slack', 'https://8.8.8.8/x', OWN)).toContain('is not in a network');
  },
);
