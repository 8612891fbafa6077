import { performance } from 'node:perf_hooks';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { eventsIn } from '@lineclear/contracts';
import pg from 'pg';
import { Pool } from 'undici';

/** The line as a load generator sees it: users with keys, a way to submit, and the events that come back. */
export async function openLine(house, users) {
  const http = new Pool(house.url, { connections: 128, pipelining: 1 });
  const nats = await connect({
    servers: house.servers.nats.url.replace(/^nats:\/\/[^@]*@/, ''),
    ...login(house.servers.nats.url),
    name: 'bench',
  });
  const claimed = new Map();
  let completed = 0;
  nats.subscribe('lineclear.job.claimed', {
    callback: (_, msg) => {
      const now = performance.now();
      for (const { data } of eventsIn(msg.string())) claimed.set(data.job_id, now);
    },
  });
  nats.subscribe('lineclear.job.completed', {
    callback: (_, msg) => (completed += eventsIn(msg.string()).length),
  });
  await nats.flush();
  const manager = await jetstreamManager(nats);
  const scheduler = new pg.Client({ connectionString: house.services['queue-scheduler'].databaseUrl });
  await scheduler.connect();

  let n = 0;
  return {
    claimed,
    completedCount: () => completed,
    /** Submits one job to a provider as one of the users; gives its id. Anything but 202 is an error. */
    async submit(provider) {
      n += 1;
      const { statusCode, body } = await http.request({
        method: 'POST',
        path: `/api/cloud/${provider}/submit`,
        headers: {
          authorization: `Bearer ${users[n % users.length]}`,
          'content-type': 'application/json',
          'idempotency-key': `bench-${process.pid}-${n}`,
        },
        body: JSON.stringify({
          config_name: `bench-${n % 50}`,
          config: { model: 'resnet', dataset: 's3://bucket/data', learning_rate: 0.001, steps: 1000 },
          hardware: 'gpu-a100',
          estimated_duration_seconds: 60,
          labels: { team: 'bench' },
        }),
      });
      const answer = await body.json();
      if (statusCode !== 202) throw new Error(`submit answered ${statusCode}: ${JSON.stringify(answer)}`);
      return answer.job_id;
    },
    /** Messages committed but not yet on the stream, and messages on the stream that a service has not handled. */
    async lag() {
      const consumers = {};
      for (const service of ['approvals', 'queue-scheduler', 'job-poller', 'notifier']) {
        const info = await manager.consumers.info('LINECLEAR', service);
        consumers[service] = info.num_pending + info.num_ack_pending;
      }
      const { rows } = await scheduler.query('select count(*)::int as n from outbox');
      return { outbox: rows[0].n, ...consumers };
    },
    async close() {
      await http.close();
      await nats.close();
      await scheduler.end();
    },
  };
}

function login(url) {
  const { username, password } = new URL(url);
  return username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {};
}
