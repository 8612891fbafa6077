import { Inject, Injectable } from '@nestjs/common';
import { audited, differences } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { BadInput, Clock, CONFIG, Conflict, Database, NotFound, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import {
  deleteChannel,
  findChannel,
  insertChannel,
  lockChannel,
  newChannelId,
  updateChannel,
  type NewChannel,
} from '../db/channels.repo.js';
import { forgiveEndpoint, lockFailures } from '../db/endpoints.repo.js';
import { forgetLinks } from '../db/slack-links.repo.js';
import {
  allSecretNamesOf,
  mailboxOf,
  mailboxSecretName,
  isSlackApp,
  oauthOf,
  oauthSecretName,
  secretNameOf,
  signingSecretName,
  type Channel,
  type ChatType,
  type Named,
} from '../domain/channel.js';
import { faultOfChatUrl } from '../domain/chat-address.js';
import { dated, missingFor, NO_MAILBOX } from '../domain/mailbox-settings.js';
import { NO_OAUTH, OAUTH_SECRETS } from '../domain/oauth-settings.js';
import { secretNames } from '../domain/signing-keys.js';
import { faultOfTokenUrl } from '../domain/token-url.js';
import { refusalOfHost } from '../outbound/check-target.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import {
  checkDestinations,
  checkLogins,
  setsSecret,
  settingsAfter,
  type ChannelChange,
  type OauthSecrets,
} from './channel-change.js';
import { ChannelSecrets } from './channel-secrets.js';

/** The secrets that a new channel comes with. */
export interface NewSecrets {
  readonly secret?: Secret | undefined;
  /** The private key of a webhook's pair. */
  readonly privateKey?: Secret | undefined;
  readonly mailboxSecret?: Secret | undefined;
  readonly oauthSecrets?: OauthSecrets | undefined;
  /** Of a Slack app. */
  readonly signingSecret?: Secret | undefined;
}

/** Channels, each with its secret where it belongs: in the secrets service, before the channel counts on it. */
@Injectable()
export class KeepChannels {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly secrets: ChannelSecrets,
    private readonly routes: CurrentRoutes,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws Unavailable when there is a secret and nobody to keep it: then there is no channel either. */
  async add(
    given: Omit<NewChannel, 'id' | 'hasSecret'>,
    { secret, privateKey, mailboxSecret, oauthSecrets = {}, signingSecret }: NewSecrets,
  ): Promise<Channel> {
    if ('host' in given.settings) checkLogins(given.settings, secret !== undefined);
    await this.#checkTarget(given, secret);
    const id = await newChannelId(this.database);
    const named = { ...given, id } as Named;
    if (secret) await this.secrets.store(secretNameOf(named), secret);
    const { privateKey: name } = named.type === 'webhook' ? secretNames(id, named.settings.keys) : {};
    if (privateKey && name !== undefined) await this.secrets.store(name, privateKey);
    if (mailboxSecret) await this.secrets.store(mailboxSecretName(id), mailboxSecret);
    for (const field of OAUTH_SECRETS)
      await this.#keep(oauthSecretName(id, field), oauthSecrets[field], false);
    if (signingSecret) await this.secrets.store(signingSecretName(id), signingSecret);
    return this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      const details = { name: given.name, type: given.type, has_secret: secret !== undefined };
      await this.bus.publish(tx, audited('channel.created', { target: `channel/${id}`, details }));
      return insertChannel(tx, { ...this.#dated(given), id, hasSecret: secret !== undefined });
    });
  }

  async change(id: number, change: ChannelChange): Promise<Channel> {
    const before = await this.#mustFind(id);
    const settings = settingsAfter(before, change);
    const hasSecret = change.secret === undefined ? before.hasSecret : change.secret !== null;
    if ('username' in settings && settings.username === null && hasSecret)
      throw BadInput.at('smtp_username', 'is needed with smtp_password');
    if ('host' in settings) checkLogins(settings, hasSecret);
    checkDestinations(before, settings, change);
    await this.#checkTarget({ type: before.type, settings }, change.secret);
    await this.#keep(secretNameOf(before), change.secret, before.hasSecret);
    if (before.type === 'email') {
      await this.#keep(mailboxSecretName(id), change.mailboxSecret, mailboxOf(before).hasPassword);
      const { hasClientSecret, hasRefreshToken } = oauthOf(before);
      const { oauth_client_secret: client, oauth_refresh_token: refresh } = change.oauthSecrets ?? {};
      await this.#keep(oauthSecretName(id, 'oauth_client_secret'), client, hasClientSecret);
      await this.#keep(oauthSecretName(id, 'oauth_refresh_token'), refresh, hasRefreshToken);
    }
    if (isSlackApp(before) && change.signingSecret !== undefined) {
      // From the moment in which it is kept, whoever knows it could press as anybody who is linked.
      await this.database.tx((tx) => forgetLinks(tx, id));
      await this.#keep(signingSecretName(id), change.signingSecret, hasSigningSecret(before));
    }
    return this.database.tx(async (tx) => {
      // First, as where an endpoint's failures switch its channel off: otherwise the two could wait for each other.
      await lockFailures(tx, id);
      await this.routes.changedIn(tx);
      const current = await lockChannel(tx, id);
      if (!current) throw new NotFound('channel', id);
      if (change.secret && secretNameOf(current) !== secretNameOf(before))
        throw new Conflict('its webhook_secret was rotated meanwhile');
      const isEnabled = change.isEnabled ?? current.isEnabled;
      const updated = await updateChannel(tx, {
        ...current,
        name: change.name ?? current.name,
        isEnabled,
        disabledReason: isEnabled ? null : current.disabledReason,
        ...this.#dated({ settings: settingsAfter(current, change) }, current),
        hasSecret: change.secret === undefined ? current.hasSecret : change.secret !== null,
      });
      if ((isEnabled && !current.isEnabled) || 'url' in change.settings || 'address' in change.settings)
        await forgiveEndpoint(tx, id);
      if (change.signingSecret !== undefined) await forgetLinks(tx, id);
      const details = {
        ...differences(
          { name: current.name, is_enabled: current.isEnabled, has_secret: current.hasSecret },
          { name: updated.name, is_enabled: updated.isEnabled, has_secret: updated.hasSecret },
          ['name', 'is_enabled', 'has_secret'],
        ),
        // Their names alone: an address of a webhook may be a secret in itself.
        settings: [
          ...Object.keys(change.settings),
          ...Object.keys(change.mailbox ?? {}).map((name) => `mailbox.${name}`),
          ...Object.keys(change.oauth ?? {}).map((name) => `oauth.${name}`),
        ],
        secret_set: setsSecret(change) ? true : undefined,
      };
      await this.bus.publish(tx, audited('channel.changed', { target: `channel/${id}`, details }));
      return updated;
    });
  }

  /** @throws Unavailable when the secrets service cannot forget its secret: then the channel stays too. */
  async remove(id: number): Promise<void> {
    const channel = await this.#mustFind(id);
    for (const name of allSecretNamesOf(channel)) await this.secrets.forget(name);
    await this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      if (!(await deleteChannel(tx, id))) throw new NotFound('channel', id);
      const details = { name: channel.name };
      await this.bus.publish(tx, audited('channel.removed', { target: `channel/${id}`, details }));
    });
  }

  async #mustFind(id: number): Promise<Channel> {
    const channel = await findChannel(this.database, id);
    if (!channel) throw new NotFound('channel', id);
    return channel;
  }

  /** Where it has a mailbox, since when. */
  #dated<C extends Pick<NewChannel, 'settings'>>(channel: C, before?: Channel): C {
    const { settings } = channel;
    if (!('host' in settings) || !settings.mailbox) return channel;
    const old = before?.type === 'email' ? mailboxOf(before) : NO_MAILBOX;
    return {
      ...channel,
      settings: { ...settings, mailbox: dated(settings.mailbox, old, this.clock.now()) },
    };
  }

  async #keep(name: string, secret: Secret | null | undefined, isThere: boolean): Promise<void> {
    if (secret) await this.secrets.store(name, secret);
    if (secret === null && isThere) await this.secrets.forget(name);
  }

  async #checkTarget(
    { type, settings }: Pick<NewChannel, 'type' | 'settings'>,
    secret: Secret | null | undefined,
  ): Promise<void> {
    if ('url' in settings) return this.#checkHost('webhook_url', new URL(settings.url).hostname);
    if ('address' in settings)
      return isSlackApp({ settings }) ? undefined : this.#checkChat(type as ChatType, secret);
    await this.#checkHost('smtp_host', settings.host);
    const missing = missingFor(settings);
    if (missing !== undefined) throw BadInput.at(missing, 'is needed with imap_enabled');
    const { tokenUrl } = settings.oauth ?? NO_OAUTH;
    if (tokenUrl !== null) {
      const fault = faultOfTokenUrl(tokenUrl, this.config.LINECLEAR_WEBHOOK_ALLOW_CIDRS);
      if (fault !== undefined) throw BadInput.at('oauth_token_url', fault);
      await this.#checkHost('oauth_token_url', new URL(tokenUrl).hostname);
    }
    const { mailbox } = settings;
    if (mailbox && mailbox.host !== null) await this.#checkHost('imap_host', mailbox.host);
  }

  async #checkChat(type: ChatType, url: Secret | null | undefined): Promise<void> {
    if (!url) return;
    const fault = faultOfChatUrl(type, url.reveal(), this.config.LINECLEAR_WEBHOOK_ALLOW_CIDRS);
    if (fault !== undefined) throw BadInput.at('webhook_url', fault);
    await this.#checkHost('webhook_url', new URL(url.reveal()).hostname);
  }

  async #checkHost(field: string, host: string): Promise<void> {
    const refusal = await refusalOfHost(host, this.config.LINECLEAR_WEBHOOK_ALLOW_CIDRS);
    if (refusal !== undefined) throw BadInput.at(field, refusal);
  }
}

const hasSigningSecret = ({ settings }: Channel): boolean =>
  'hasSigningSecret' in settings && settings.hasSigningSecret === true;
