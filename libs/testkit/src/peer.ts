import {
  eventsIn,
  WIRING,
  type EventData,
  type EventDef,
  type EventOf,
  type ReplyOf,
  type RequestDef,
  type RequestOf,
} from '@lineclear/contracts';
import { newEventId } from '@lineclear/bus';
import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/** The rest of the house as one test sees it: it says what other services would say, over real NATS, by the contracts. */
export interface Peer {
  /** Puts an event on the stream as its emitter would. Give an `id` to send the same one twice. */
  publish<D extends EventDef>(
    def: D,
    data: EventData<D>,
    options?: { about?: string; id?: string; version?: number },
  ): Promise<string>;
  /** Puts events on the stream as one message, as an emitter does with what it committed together; gives its id. */
  publishTogether<D extends EventDef>(def: D, data: readonly EventData<D>[], id?: string): Promise<string>;
  /** Puts any bytes on an event's subject, as a broken emitter would. */
  publishRaw(subject: string, body: string): Promise<void>;
  /** The events of this kind that were seen on the stream so far, in order. */
  events<D extends EventDef>(def: D): EventOf<D>[];
  /** Answers a question as its service would; the last answer given counts. An error's `code` goes with its words. */
  answer<D extends RequestDef>(
    def: D,
    reply: (request: RequestOf<D>) => ReplyOf<D> | Promise<ReplyOf<D>>,
  ): void;
  /** Asks a question as another service would. @throws with the answerer's message */
  ask<D extends RequestDef>(def: D, request: RequestOf<D>): Promise<ReplyOf<D>>;
  /** Answers no more, as when the service is down. */
  stopAnswering(def: RequestDef): void;
  /** Waits until the server knows what was subscribed to, so that whoever asks from now on is heard. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

function envelopeOf<D extends EventDef>(
  def: D,
  data: EventData<D>,
  { id = newEventId(), about = 'test/1', version }: { about?: string; id?: string; version?: number } = {},
): object {
  const source = Object.entries(WIRING).find(([, wiring]) => wiring.publishes.includes(def))?.[0] ?? 'test';
  return {
    specversion: '1.0',
    id,
    type: def.name,
    source: `lineclear/${source}`,
    time: new Date().toISOString(),
    subject: about,
    ...(version === undefined ? {} : { sequence: version }),
    data: def.data.parse(data),
  };
}

/** Connects a peer. The stream must exist already, or is made by the first service that boots. */
export async function connectPeer(natsUrl: string): Promise<Peer> {
  const connection = await connect({ servers: natsUrl.replace(/^nats:\/\//, ''), name: 'test peer' });
  const seen = new Map<string, unknown[]>();
  connection.subscribe('lineclear.>', {
    callback: (_, msg) => {
      const list = seen.get(msg.subject) ?? [];
      list.push(...eventsIn(msg.string()));
      seen.set(msg.subject, list);
    },
  });
  const answers = new Map<string, (request: never) => unknown>();
  const subscriptions = new Map<string, { unsubscribe(): void }>();
  await connection.flush();
  const js = jetstream(connection);

  return {
    async publish(def, data, options = {}) {
      const id = options.id ?? newEventId();
      await js.publish(def.subject, JSON.stringify(envelopeOf(def, data, { ...options, id })));
      return id;
    },
    async publishTogether(def, data, id = newEventId()) {
      await js.publish(def.subject, JSON.stringify(data.map((one) => envelopeOf(def, one))), { msgID: id });
      return id;
    },
    async publishRaw(subject, body) {
      await js.publish(subject, body);
    },
    events: (def) => (seen.get(def.subject) ?? []).map((raw) => def.schema.parse(raw)) as never,
    answer(def, reply) {
      answers.set(def.subject, reply as never);
      if (subscriptions.has(def.subject)) return;
      const subscription = connection.subscribe(def.subject, {
        callback: (_, msg) => void respond(msg, def),
      });
      subscriptions.set(def.subject, subscription);
    },
    async ask(def, request) {
      const msg = await connection.request(
        def.subject,
        JSON.stringify({ pattern: def.subject, data: request, id: 'test' }),
        { timeout: 5_000 },
      );
      const { err, response } = msg.json<{ err?: { message: string }; response: unknown }>();
      if (err) throw new Error(err.message);
      return def.reply.parse(response) as never;
    },
    stopAnswering(def) {
      subscriptions.get(def.subject)?.unsubscribe();
      subscriptions.delete(def.subject);
    },
    async flush() {
      await connection.flush();
    },
    async close() {
      await connection.close();
    },
  };

  async function respond(
    msg: { json(): unknown; respond(body: string): boolean },
    def: RequestDef,
  ): Promise<void> {
    const packet = msg.json() as { id: string; data: unknown };
    try {
      const request = def.request.parse(packet.data);
      const response = def.reply.parse(await answers.get(def.subject)?.(request as never));
      msg.respond(JSON.stringify({ response, isDisposed: true, id: packet.id }));
    } catch (error) {
      const { code } = error as { code?: unknown };
      const err = { message: String(error), ...(typeof code === 'string' ? { code } : {}) };
      msg.respond(JSON.stringify({ err, isDisposed: true, id: packet.id }));
    }
  }
}

/** How many messages of the stream the service's consumer has not yet handled. 0 when all is done. */
export async function pendingEvents(natsUrl: string, service: string): Promise<number> {
  const connection = await connect({ servers: natsUrl.replace(/^nats:\/\//, '') });
  try {
    const info = await (await jetstreamManager(connection)).consumers.info('LINECLEAR', service);
    return info.num_pending + info.num_ack_pending;
  } catch (error) {
    if (error instanceof JetStreamApiError) return 0;
    throw error;
  } finally {
    await connection.close();
  }
}
