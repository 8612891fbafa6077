import { WIRING, type ServiceName } from '@lineclear/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';

export const EVENTS_STREAM = 'LINECLEAR';
export const DEAD_STREAM = 'LINECLEAR_DEAD';

const DAY_MS = 86_400_000;
/** Events are kept this long: a consumer may be down for as long without missing any. */
export const EVENT_RETENTION_DAYS = 7;

export const replaySubject = (service: string): string => `replay.${service}`;
export const deadSubject = (service: string, event: string): string => `dead.${service}.${event}`;

const streams: readonly (Partial<StreamConfig> & { name: string; subjects: string[] })[] = [
  {
    name: EVENTS_STREAM,
    subjects: ['lineclear.>', 'replay.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(EVENT_RETENTION_DAYS * DAY_MS),
    duplicate_window: nanos(10 * 60_000),
    allow_direct: true,
  },
  {
    name: DEAD_STREAM,
    subjects: ['dead.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(30 * DAY_MS),
    duplicate_window: nanos(10 * 60_000),
    allow_direct: true,
  },
];

const ACK_WAIT_MS = 60_000;

/** The one durable consumer of a service: every event it declares, and what is replayed to it, in stream order. */
const consumerConfig = (service: ServiceName): Partial<ConsumerConfig> => ({
  durable_name: service,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: nanos(ACK_WAIT_MS),
  // Giving up is decided here, with a dead letter, and never by the server in silence.
  max_deliver: -1,
  max_ack_pending: 10_000,
  filter_subjects: [...WIRING[service].consumes.map((def) => def.subject), replaySubject(service)],
});

/** Creates what is missing and corrects what differs: streams first, then the service's consumer if it consumes anything. */
export async function ensureStreams(
  connection: NatsConnection,
  service: ServiceName,
): Promise<JetStreamManager> {
  const manager = await jetstreamManager(connection);
  for (const config of streams) {
    const found = await orNull(manager.streams.info(config.name));
    if (found === null) await manager.streams.add(config);
    else if (differs(found.config, config)) await manager.streams.update(config.name, config);
  }
  if (WIRING[service].consumes.length > 0) {
    const wanted = consumerConfig(service);
    const found = await orNull(manager.consumers.info(EVENTS_STREAM, service));
    if (found === null) await manager.consumers.add(EVENTS_STREAM, wanted);
    else {
      const both = {
        ...wanted,
        filter_subjects: union(found.config.filter_subjects, wanted.filter_subjects),
      };
      if (differs(found.config, both)) await manager.consumers.update(EVENTS_STREAM, service, both);
    }
  }
  return manager;
}

/** While releases change, replicas of both share the consumer: neither takes from it what the other needs. */
const union = (found: readonly string[] = [], wanted: readonly string[] = []): string[] => [
  ...new Set([...found, ...wanted]),
];

const differs = (found: object, wanted: object): boolean =>
  Object.entries(wanted).some(
    ([key, value]) => JSON.stringify((found as Record<string, unknown>)[key]) !== JSON.stringify(value),
  );

const NOT_FOUND = 404;

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === NOT_FOUND) return null;
    throw error;
  }
}
