import {
  createInbox,
  headers,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';

export interface OutgoingMessage {
  readonly subject: string;
  /** The stream drops a second message with the same id. */
  readonly id: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const ACK_DEADLINE_MS = 5_000;

/**
 * Publishes to JetStream with every acknowledgement coming to one shared inbox, so that many messages are on
 * their way at once (`js.publish` makes a subscription per message, which costs ten times the processor time).
 */
export class StreamPublisher {
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #waiting = new Map<string, (failure: string | undefined) => void>();
  #next = 0;

  constructor(
    private readonly connection: NatsConnection,
    inboxPrefix: string,
  ) {
    this.#inbox = createInbox(inboxPrefix);
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (_, msg) => this.#acknowledged(msg),
    });
  }

  /** Sends all messages in order; resolves to those the stream has, in the same order as true, the others false. */
  async publish(messages: readonly OutgoingMessage[]): Promise<boolean[]> {
    const keys: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      const acks = messages.map((message) => {
        const key = String((this.#next += 1));
        keys.push(key);
        return this.#send(key, message);
      });
      const deadline = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ACK_DEADLINE_MS);
      });
      await Promise.race([Promise.all(acks), deadline]);
      for (const key of keys) this.#waiting.get(key)?.('no acknowledgement');
      return await Promise.all(acks);
    } finally {
      clearTimeout(timer);
      for (const key of keys) this.#waiting.delete(key);
    }
  }

  async #send(key: string, message: OutgoingMessage): Promise<boolean> {
    const head = headers();
    const acknowledged = new Promise<boolean>((resolve) =>
      this.#waiting.set(key, (failure) => resolve(failure === undefined)),
    );
    try {
      head.set('Nats-Msg-Id', message.id);
      for (const [name, value] of Object.entries(message.headers ?? {})) head.set(name, value);
      this.connection.publish(message.subject, message.body, {
        reply: `${this.#inbox}.${key}`,
        headers: head,
      });
    } catch {
      // Too large, or not possible now: the others go all the same.
      return false;
    }
    return acknowledged;
  }

  #acknowledged(msg: Msg): void {
    const key = msg.subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    this.#waiting.delete(key);
    // No body: nobody listens on the subject, so there is no stream. An error: the stream refused it.
    if (msg.data.length === 0) waiting('no stream');
    else waiting(msg.string().includes('"error"') ? msg.string() : undefined);
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}
