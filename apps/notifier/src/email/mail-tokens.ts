import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, LOGGER, Secret, TtlCache, type Logger } from '@lineclear/kit';
import { ChannelSecrets } from '../channels/channel-secrets.js';
import type { Config } from '../config.js';
import { oauthOf, oauthSecretName, type EmailChannel } from '../domain/channel.js';
import { wholeOauthOf, type WholeOauth } from '../domain/oauth-settings.js';
import { readTokenAnswer, usableMs } from '../domain/token-answer.js';
import { faultOfTokenUrl } from '../domain/token-url.js';
import { PostJson } from '../outbound/post-json.js';

const MAX_CACHED = 1_000;
const NEVER = new AbortController().signal;

/** There is no token, and why. */
export class NoToken extends Error {
  override readonly name = 'NoToken';
}

interface Held {
  readonly token: Secret;
  readonly forMs: number;
}

/** The tokens that channels log in to their mail servers with, in memory alone: each until shortly before its end, or refused. */
@Injectable()
export class MailTokens {
  readonly #cache: TtlCache<Held>;

  constructor(
    private readonly secrets: ChannelSecrets,
    private readonly http: PostJson,
    clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#cache = new TtlCache({ clock, ttlMs: 0, maxEntries: MAX_CACHED });
  }

  /** Undefined for a channel that logs in with passwords. @throws NoToken, and Unavailable without the secrets service */
  async tokenOf(channel: EmailChannel): Promise<Secret | undefined> {
    const oauth = wholeOauthOf(oauthOf(channel));
    if (!oauth) return undefined;
    const load = (): Promise<Held> => this.#fetch(channel, oauth);
    return (await this.#cache.getOrLoad(keyOf(channel), load, ({ forMs }) => forMs)).token;
  }

  /** One that a server refused is not shown again; one that took its place meanwhile stays. */
  refused(channel: EmailChannel, token: Secret): void {
    const held = this.#cache.get(keyOf(channel));
    if (held?.token.reveal() === token.reveal()) this.#cache.delete(keyOf(channel));
  }

  async #fetch(channel: EmailChannel, oauth: WholeOauth): Promise<Held> {
    const { tokenUrl, clientId, scope, hasRefreshToken } = oauth;
    // What is allowed may have changed since the channel was made.
    const fault = faultOfTokenUrl(tokenUrl, this.config.LINECLEAR_WEBHOOK_ALLOW_CIDRS);
    if (fault !== undefined) throw new NoToken(`oauth_token_url ${fault}`);
    const secret = await this.#secret(channel, 'oauth_client_secret');
    const refresh = hasRefreshToken ? await this.#secret(channel, 'oauth_refresh_token') : undefined;
    const form = new URLSearchParams({
      ...(refresh
        ? { grant_type: 'refresh_token', refresh_token: refresh.reveal() }
        : { grant_type: 'client_credentials' }),
      client_id: clientId,
      client_secret: secret.reveal(),
      ...(scope === null ? {} : { scope }),
    });
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'Lineclear-Mail/1',
    };
    const answer = await this.http.post(tokenUrl, form.toString(), headers, NEVER);
    if ('outcome' in answer) throw new NoToken(`the token server cannot be asked: ${answer.error}`);
    const shown = [secret, ...(refresh ? [refresh] : [])].map((one) => one.reveal());
    const grant = readTokenAnswer(answer.statusCode, answer.text, shown);
    if (typeof grant === 'string') throw new NoToken(grant);
    if (grant.refreshToken !== undefined && refresh && grant.refreshToken !== refresh.reveal())
      await this.#keep(channel, new Secret(grant.refreshToken));
    return { token: new Secret(grant.accessToken), forMs: usableMs(grant) };
  }

  async #secret(
    channel: EmailChannel,
    field: 'oauth_client_secret' | 'oauth_refresh_token',
  ): Promise<Secret> {
    const secret = await this.secrets.readNamed(channel, oauthSecretName(channel.id, field));
    if (!secret) throw new NoToken(`the secrets service has no ${field} of this channel`);
    return secret;
  }

  /** The token that came with it is good either way. */
  async #keep(channel: EmailChannel, refreshToken: Secret): Promise<void> {
    try {
      await this.secrets.store(oauthSecretName(channel.id, 'oauth_refresh_token'), refreshToken);
    } catch (error) {
      this.log.error({ err: error, channel_id: channel.id }, 'a new refresh token could not be kept');
    }
  }
}

/** A channel that changed is another one: so its old token is not asked for any more. */
const keyOf = ({ id, updatedAt }: EmailChannel): string => `${id} ${updatedAt.toISOString()}`;
