import { EVENTS_STREAM } from '@lineclear/bus';
import { DeliverPolicy, jetstream, type ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { visibleEvent, type LiveEvent } from './visible-event.js';

const SUBJECTS = ['lineclear.job.>', 'lineclear.approval.>'];

export interface Reading {
  readonly messages: ConsumerMessages;
  /** How many events were waiting when the reading began. */
  readonly waiting: number;
}

/** Reads the events about jobs in stream order, those after `after` or those from now on, until the reading is stopped. */
export async function readEvents(
  connection: NatsConnection,
  after: number | undefined,
  take: (event: LiveEvent | undefined, stillWaiting: number) => void,
): Promise<Reading> {
  const consumer = await jetstream(connection).consumers.get(EVENTS_STREAM, {
    filter_subjects: SUBJECTS,
    ...(after === undefined
      ? { deliver_policy: DeliverPolicy.New }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
  });
  const { num_pending: waiting } = await consumer.info();
  const messages = await consumer.consume({
    callback: (message) => take(visibleEvent(message.seq, message.string()), message.info.pending),
  });
  return { messages, waiting };
}
