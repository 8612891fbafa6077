import { EVENTS_STREAM } from '@lineclear/bus';
import { DeliverPolicy, jetstream, jetstreamManager, type ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { messageAfter, visibleEvents, type LiveEvent } from './visible-event.js';

const SUBJECTS = ['lineclear.job.>', 'lineclear.approval.>'];

export interface Reading {
  readonly messages: ConsumerMessages;
  /** How many messages were waiting when the reading began. */
  readonly waiting: number;
  /** The life of the stream that is read. */
  readonly life: string;
}

/**
 * Reads the events about jobs in stream order, message by message, until the reading is stopped: from the message on in
 * which the place `after` is, or from now on.
 */
export async function readEvents(
  connection: NatsConnection,
  after: number | undefined,
  take: (events: readonly LiveEvent[], stillWaiting: number) => void,
): Promise<Reading> {
  const life = await lifeOfStream(connection);
  const consumer = await jetstream(connection).consumers.get(EVENTS_STREAM, {
    filter_subjects: SUBJECTS,
    ...(after === undefined
      ? { deliver_policy: DeliverPolicy.New }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: messageAfter(after) }),
  });
  const { num_pending: waiting } = await consumer.info();
  const messages = await consumer.consume({
    // It would go on by itself at a place that another stream does not have: rather it ends, and is begun again.
    abort_on_missing_resource: true,
    callback: (message) => take(visibleEvents(message.seq, message.string()), message.info.pending),
  });
  return { messages, waiting, life };
}

/** When the stream was made: another one has another life. */
export async function lifeOfStream(connection: NatsConnection): Promise<string> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return (await manager.streams.info(EVENTS_STREAM)).created;
}

/** Whether this stream has come as far as this place. If not, the place is one of a stream that was lost. */
export async function hasReached(connection: NatsConnection, place: number): Promise<boolean> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { state } = await manager.streams.info(EVENTS_STREAM);
  return messageAfter(place) <= Math.max(1, state.last_seq);
}
