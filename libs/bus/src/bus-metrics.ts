import { WIRING } from '@lineclear/contracts';
import type { Metrics } from '@lineclear/kit';
import { jetstreamManager } from '@nats-io/jetstream';
import { Gauge } from 'prom-client';
import type { Bus } from './bus.js';
import { EVENTS_STREAM } from './streams.js';

/** What shows that events flow: how many wait to go out and how long, how many wait to be handled. Read at each scrape. */
export function watchBusMetrics(bus: Bus, metrics: Metrics): void {
  const registers = [metrics.registry];
  const outbox = new Gauge({
    name: 'lineclear_outbox_events',
    help: 'Events committed but not yet on the stream',
    registers,
  });
  new Gauge({
    name: 'lineclear_outbox_oldest_seconds',
    help: 'Age of the oldest event in the outbox',
    registers,
    async collect() {
      const [row] = await bus.database.query<{ count: number; age: number | null }>(
        'select count(*) as count, extract(epoch from now() - min(created_at))::float8 as age from outbox',
      );
      outbox.set(row?.count ?? 0);
      this.set(row?.age ?? 0);
    },
  });
  if (WIRING[bus.service].consumes.length === 0) return;
  const unacknowledged = new Gauge({
    name: 'lineclear_consumer_unacknowledged',
    help: 'Events delivered to this service and not yet acknowledged',
    registers,
  });
  new Gauge({
    name: 'lineclear_consumer_pending',
    help: 'Events on the stream that this service has not yet received',
    registers,
    async collect() {
      const info = await (await jetstreamManager(bus.connection)).consumers.info(EVENTS_STREAM, bus.service);
      this.set(info.num_pending);
      unacknowledged.set(info.num_ack_pending);
    },
  });
}
