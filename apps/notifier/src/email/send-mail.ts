import type { Socket } from 'node:net';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Secret } from '@lineclear/kit';
import { createTransport, type Transporter } from 'nodemailer';
import type { Config } from '../config.js';
import type { AttemptResult } from '../domain/attempt.js';
import { oauthOf, type EmailChannel } from '../domain/channel.js';
import type { Mail } from '../domain/mail.js';
import { wholeOauthOf } from '../domain/oauth-settings.js';
import { explainError } from '../outbound/explain-error.js';
import { openGuardedSocket } from '../outbound/guarded-connector.js';
import { MailTokens } from './mail-tokens.js';

const MAX_CONNECTIONS = 3;
const IMPLICIT_TLS_PORT = 465;
const MAX_KEPT = 1_024;

export interface MailParcel {
  /** The same over all attempts. */
  readonly id: string;
  readonly type: string;
  readonly recipient: string;
  readonly mail: Mail;
}

interface Pool {
  /** Of the channel as it was when the pool was opened. */
  readonly version: string;
  readonly password: Secret | undefined;
  readonly transport: Transporter;
}

/** Sends mails by SMTP, with a small pool of connections per channel. */
@Injectable()
export class SendMail implements OnApplicationShutdown {
  readonly #pools = new Map<number, Pool>();

  constructor(
    private readonly tokens: MailTokens,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(
    channel: EmailChannel,
    password: Secret | undefined,
    parcel: MailParcel,
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    const { returnPath, isAnswer = false } = parcel.mail;
    // Each step has its own time limit; this one is for all of them together.
    const signal = AbortSignal.any([stop, AbortSignal.timeout(2_000 * this.config.DELIVERY_TIMEOUT_SECONDS)]);
    const attempt = (sender: string | undefined) => this.#attempt(channel, password, parcel, sender, signal);
    try {
      return await attempt(isAnswer ? '' : returnPath).catch((error: unknown) => {
        // Some servers let a login write as nobody else: better a mail that does not come back than none.
        if (returnPath !== undefined && isSenderRefused(error)) return attempt(undefined);
        throw error;
      });
    } catch (error) {
      if (stop.aborted)
        return { outcome: 'postponed', error: 'this service stopped before the mail was taken' };
      return judgeError(error);
    }
  }

  /** `sender`: as the envelope says it, where that is not who writes. */
  async #attempt(
    channel: EmailChannel,
    password: Secret | undefined,
    parcel: MailParcel,
    sender: string | undefined,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const { fromAddress, fromName } = channel.settings;
    const { subject, text, html, replyTo, isAnswer = false } = parcel.mail;
    const sent = (await this.#poolOf(channel, password).sendMail({
      from: fromName === null ? fromAddress : { name: fromName, address: fromAddress },
      to: { name: '', address: parcel.recipient },
      ...(replyTo === undefined ? {} : { replyTo: { name: '', address: replyTo } }),
      ...(sender === undefined ? {} : { envelope: { from: sender, to: parcel.recipient } }),
      subject,
      text,
      html,
      // The same over all attempts: a mail server that got it twice can tell.
      messageId: `<${parcel.id}@${fromAddress.split('@').at(-1) ?? 'lineclear'}>`,
      headers: {
        'Auto-Submitted': isAnswer ? 'auto-replied' : 'auto-generated',
        'X-Auto-Response-Suppress': 'All',
        'X-Lineclear-Event': parcel.type,
      },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal,
    })) as { response?: string };
    return {
      outcome: 'delivered',
      statusCode: codeOf(sent.response),
      response: sent.response?.slice(0, MAX_KEPT),
    };
  }

  #poolOf(channel: EmailChannel, password: Secret | undefined): Transporter {
    const version = channel.updatedAt.toISOString();
    const open = this.#pools.get(channel.id);
    if (open?.version === version && open.password?.reveal() === password?.reveal()) return open.transport;
    open?.transport.close();
    const transport = this.#open(channel, password);
    this.#pools.set(channel.id, { version, password, transport });
    return transport;
  }

  #open(channel: EmailChannel, password: Secret | undefined): Transporter {
    const { host, port, useTls } = channel.settings;
    const timeoutMs = this.config.DELIVERY_TIMEOUT_SECONDS * 1_000;
    const implicitTls = useTls && port === IMPLICIT_TLS_PORT;
    return createTransport({
      pool: true,
      maxConnections: MAX_CONNECTIONS,
      host,
      port,
      secure: implicitTls,
      requireTLS: useTls && !implicitTls,
      ignoreTLS: !useTls,
      ...this.#login(channel, password),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      getSocket: (
        _options: unknown,
        callback: (error: Error | null, opened: false | { connection: Socket }) => void,
      ) => {
        openGuardedSocket(
          { host, port },
          { allowed: this.config.LINECLEAR_WEBHOOK_ALLOW_CIDRS, timeoutMs },
        ).then(
          (connection) => callback(null, { connection }),
          (error: Error) => callback(error, false),
        );
      },
    });
  }

  #login(channel: EmailChannel, password: Secret | undefined): { auth?: object } {
    const user = channel.settings.username;
    if (user === null) return {};
    if (!wholeOauthOf(oauthOf(channel))) return password ? { auth: { user, pass: password.reveal() } } : {};
    let shown: Secret | undefined;
    /** Asked at each login, and once more where that was refused. */
    const provisionCallback = (
      _user: string,
      isRefused: boolean,
      done: (error: Error | null, token?: string, endsAtMs?: number) => void,
    ): void => {
      if (isRefused && shown) this.tokens.refused(channel, shown);
      this.tokens.tokenOf(channel).then(
        (token) => {
          shown = token;
          // Ended at once for nodemailer, so that it keeps none.
          done(null, token?.reveal(), 1);
        },
        (error: Error) => done(error),
      );
    };
    return { auth: { type: 'OAuth2', user, provisionCallback } };
  }

  onApplicationShutdown(): void {
    for (const { transport } of this.#pools.values()) transport.close();
    this.#pools.clear();
  }
}

const codeOf = (response: string | undefined): number | undefined => {
  const code = /^\d{3}/.exec(response ?? '')?.[0];
  return code === undefined ? undefined : Number(code);
};

// The envelope or the content was refused: the same mail meets the same answer. A refused login is someone's to repair.
const ABOUT_THE_MAIL = ['EENVELOPE', 'EMESSAGE'];

function isSenderRefused(error: unknown): boolean {
  const { command, responseCode = 0 } = error as { command?: string; responseCode?: number };
  return command === 'MAIL FROM' && responseCode >= 500;
}

function judgeError(error: unknown): AttemptResult {
  const { code, responseCode, response } = error as {
    code?: string;
    responseCode?: number;
    response?: string;
  };
  const isFinal = (responseCode ?? 0) >= 500 && ABOUT_THE_MAIL.includes(code ?? '');
  return {
    outcome: isFinal ? 'hopeless' : 'refused',
    statusCode: responseCode,
    error: explainError(error),
    response: response?.slice(0, MAX_KEPT),
  };
}
