import { WIRING } from '@lineclear/contracts';
import { withDeadline, type Metrics } from '@lineclear/kit';
import { jetstreamManager, type ConsumerInfo } from '@nats-io/jetstream';
import { Gauge } from 'prom-client';
import type { Bus } from './bus.js';
import { EVENTS_STREAM } from './streams.js';

const READ_MS = 1_000;

/** What shows that events flow: how many wait to go out and how long, how many wait to be handled. Read at each scrape. */
export function watchBusMetrics(bus: Bus, metrics: Metrics): void {
  const gauge = (name: string, help: string, read: () => Promise<number>): Gauge =>
    new Gauge({
      name,
      help,
      registers: [metrics.registry],
      async collect() {
        try {
          this.set(await withDeadline(read(), READ_MS));
        } catch {
          // Better no value than an old one, and the other metrics are as true as ever.
          this.remove();
        }
      },
    });
  const outbox = async (what: string): Promise<number> => {
    const [row] = await bus.database.query<{ value: number }>(`select ${what} as value from outbox`);
    return row?.value ?? 0;
  };
  gauge('lineclear_outbox_messages', 'Messages committed but not yet on the stream', () =>
    outbox('count(*)'),
  );
  gauge('lineclear_outbox_oldest_seconds', 'Age of the oldest message in the outbox', () =>
    outbox('coalesce(extract(epoch from now() - min(created_at)), 0)::float8'),
  );
  if (WIRING[bus.service].consumes.length === 0) return;
  const consumer = async (): Promise<ConsumerInfo> =>
    (await jetstreamManager(bus.connection)).consumers.info(EVENTS_STREAM, bus.service);
  gauge(
    'lineclear_consumer_unacknowledged',
    'Messages delivered to this service and not yet acknowledged',
    async () => (await consumer()).num_ack_pending,
  );
  gauge(
    'lineclear_consumer_pending',
    'Messages on the stream that this service has not yet received',
    async () => (await consumer()).num_pending,
  );
}
