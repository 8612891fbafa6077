import { Secret } from '@lineclear/kit';
import { expect, it } from 'vitest';
import type { EmailChannel } from '../domain/channel.js';
import { NO_MAILBOX } from '../domain/mailbox-settings.js';
import { NO_OAUTH } from '../domain/oauth-settings.js';
import { checkDestinations, settingsAfter, type ChannelChange } from './channel-change.js';

const settings = {
  host: 'smtp.team.test',
  port: 587,
  username: 'lineclear',
  useTls: true,
  fromAddress: 'lineclear@team.test',
  fromName: null,
};
const channel = (hasSecret: boolean, more: object = {}): EmailChannel =>
  ({ type: 'email', hasSecret, settings: { ...settings, ...more } }) as EmailChannel;
const mailbox = { ...NO_MAILBOX, host: 'imap.team.test', hasPassword: true };
const oauth = {
  ...NO_OAUTH,
  tokenUrl: 'https://id.team.test/token',
  clientId: 'lineclear',
  hasClientSecret: true,
  hasRefreshToken: true,
};
const secret = new Secret('again');
const toOther = { settings: { host: 'smtp.other.test' } };
const readOther = { settings: {}, mailbox: { host: 'imap.other.test' } };
const askOther = { settings: {}, oauth: { tokenUrl: 'https://id.other.test/token' } };

it.each<[string, EmailChannel, ChannelChange, string | undefined]>([
  ['a password goes to another host', channel(true), toOther, 'smtp_password'],
  ['it is given again', channel(true), { ...toOther, secret }, undefined],
  ['it is taken away', channel(true), { ...toOther, secret: null }, undefined],
  ['there is none', channel(false), toOther, undefined],
  ['the host is named again', channel(true), { settings: { host: 'smtp.team.test', port: 25 } }, undefined],
  ['a mailbox moves', channel(true, { mailbox }), readOther, 'imap_password'],
  [
    'it moves with a password',
    channel(true, { mailbox }),
    { ...readOther, mailboxSecret: secret },
    undefined,
  ],
  ['mail goes elsewhere and is read here', channel(false, { mailbox }), toOther, undefined],
  ['a mailbox is added', channel(true), { ...readOther, mailboxSecret: secret }, undefined],
  ['another gives the tokens', channel(false, { oauth }), askOther, 'oauth_client_secret'],
  [
    'that one gets what renews them',
    channel(false, { oauth }),
    { ...askOther, oauthSecrets: { oauth_client_secret: secret } },
    'oauth_refresh_token',
  ],
  [
    'both are given again',
    channel(false, { oauth }),
    { ...askOther, oauthSecrets: { oauth_client_secret: secret, oauth_refresh_token: secret } },
    undefined,
  ],
  ['another gets the tokens', channel(false, { oauth }), toOther, 'oauth_client_secret'],
])('where %s', (_, before, change, field) => {
  const check = () => checkDestinations(before, settingsAfter(before, change), change);
  if (field === undefined) expect(check).not.toThrow();
  else expect(check).toThrow(`${field}: is to be given again`);
});
