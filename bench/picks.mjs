import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { define } from '../apps/queue-scheduler/dist/app.module.js';
import { refresh } from '../apps/queue-scheduler/dist/db/lanes.repo.js';
import { pick } from '../apps/queue-scheduler/dist/db/pick.js';
import * as slots from '../apps/queue-scheduler/dist/db/slots.repo.js';
import { Moves } from '../apps/queue-scheduler/dist/line/moves.js';
import { Wakes } from '../apps/queue-scheduler/dist/line/wakes.js';
import { Bus } from '../libs/bus/dist/index.js';
import { createLogger, openDatabase, SystemClock } from '../libs/kit/dist/index.js';
import { quantile } from './measure.mjs';

const SIZES = [1_000, 10_000, 100_000, Number(process.env.BENCH_PICK_JOBS ?? 0)].filter((jobs) => jobs > 0);
const USERS = 10_000;
const RUNS = 3;
/** How many jobs one run claims, and how many one transaction: as the claim loop does. */
const CLAIMS = 1_000;
const BATCH = 200;
const DATABASE = 'lineclear_picks';

/**
 * How many jobs a second the real pick and moves claim from queues of several lengths, in one process, and how much slower the
 * longest queue is than the shortest. The floor is what Postgres does with the rows alone: one bare update for each batch.
 */
export async function measurePicks({ postgres, nats }, row) {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`drop database if exists ${DATABASE}`);
  await admin.query(`create database ${DATABASE}`);
  const url = new URL(postgres.url);
  url.pathname = `/${DATABASE}`;
  const { username, password, host } = new URL(nats.url);
  const connection = await connect({ servers: host, user: username, pass: password });
  const line = await openQueue(url.href, nats.url, connection);
  const filler = new pg.Client({ connectionString: url.href });
  await filler.connect();
  try {
    // Until the code is compiled.
    await fill(filler, line.database, 2 * CLAIMS);
    await line.claim(CLAIMS);
    const floor = await bareClaimsPerSecond(filler);
    row('floor.bare_claims_per_s', floor, '/s');
    const medians = [];
    for (const jobs of SIZES) {
      const rates = [];
      let left = 0;
      for (let run = 0; run < RUNS; run += 1) {
        if (left < Math.max(CLAIMS, jobs * 0.9)) {
          await fill(filler, line.database, jobs);
          left = jobs;
        }
        const began = performance.now();
        await line.claim(CLAIMS);
        rates.push((CLAIMS * 1_000) / (performance.now() - began));
        left -= CLAIMS;
      }
      medians.push(quantile(rates, 0.5));
      row(`picks.claims_per_s_of_${jobs}`, medians.at(-1), '/s', floor);
    }
    row('picks.times_slower_in_the_longest', medians[0] / medians.at(-1), 'x');
  } finally {
    await filler.end();
    await line.database.close();
    await connection.close();
    await admin.query(`drop database ${DATABASE} with (force)`);
    await admin.end();
  }
}

/** A queue-scheduler without its doors: nobody claims in it but we, and its events stay in the outbox. */
async function openQueue(DATABASE_URL, NATS_URL, connection) {
  const { config, entities, migrations } = define({
    DATABASE_URL,
    NATS_URL,
    REDIS_URL: 'redis://127.0.0.1',
    PORT: '0',
  });
  const log = createLogger({ name: 'bench', format: 'json', level: 'warn' });
  const database = await openDatabase({ url: DATABASE_URL, poolSize: 2, entities, migrations, log });
  const bus = new Bus('queue-scheduler', connection, database, log);
  const moves = new Moves(bus, new SystemClock(), new Wakes(), config);
  const claimBatch = async (tx) => {
    const entered = slots.enter(tx);
    const [picked] = await Promise.all([pick(tx, BATCH, new Date()), entered]);
    await moves.apply(
      tx,
      picked.jobIds.map((jobId) => ({ jobId, fact: { kind: 'claimed', claimId: randomUUID() } })),
      picked,
    );
    return picked.jobIds.length;
  };
  return {
    database,
    async claim(jobs) {
      for (let claimed = 0, empty = 0; claimed < jobs;) {
        const got = await database.tx(claimBatch);
        claimed += got;
        empty = got === 0 ? empty + 1 : 0;
        if (empty > 3) throw new Error(`only ${claimed} of ${jobs} jobs could be claimed`);
      }
    },
  };
}

/** Queued jobs of as many users as there are, in 40 teams of 10 orgs, in four bands and two pools, and all that is counted of them. */
async function fill(filler, database, jobs) {
  await filler.query('truncate jobs, lanes, branches, shares, pools, ledger, usage, provider_spend, outbox');
  await filler.query(`delete from slots where scope <> 'house'`);
  await filler.query('update slots set running = 0');
  await filler.query('update limits set max_concurrent = 100000, user_max_concurrent = 100');
  await filler.query(
    `insert into jobs (id, user_id, team_id, org_id, username, level, own_band, band, provider, config_name, config, hardware, gpus, cost_per_hour_usd,
       estimated_duration_seconds, estimated_cost_usd, secrets, labels, facts, submitted_at, state, version, attempt, queued_at, ord)
     select 'job_' || lpad(to_hex(n), 32, '0'), n % $2 + 1, n % $2 % 40 + 1, n % $2 % 10 + 1, 'u', 'viewer', n % $2 % 4 * 20 + 20, n % $2 % 4 * 20 + 20, 'acme', 'x', '{}',
       case n / $2 % 2 when 0 then 'a100' else 'h100' end, 1, 1, 3600, 1, '[]', '{}', '{}', now(), 'queued', 1, 0, now(), n
     from generate_series(1, $1::int4) n`,
    [jobs, USERS],
  );
  await filler.query(
    `insert into lanes (user_id, team_id, org_id, band, pool, level, queued, head_ord, head_queued_at, used)
     select user_id, team_id, org_id, band, provider || '/' || hardware || '/' || gpus::text, 'viewer', count(*), min(ord), min(queued_at), 0
     from jobs group by 1, 2, 3, 4, 5`,
  );
  await filler.query(
    `insert into branches (place, parent, band, pool, used) select distinct team_id, org_id, band, pool, 0 from lanes
     union select distinct org_id, -1, band, pool, 0 from lanes`,
  );
  await filler.query(
    `insert into pools (provider, hardware, gpus, running) select distinct provider, hardware, gpus, 0 from jobs`,
  );
  await filler.query(
    `insert into usage (scope, subject, hour, submitted, usd, gpu_seconds)
     select scope, subject, 'infinity', 0, count(*), count(*) * 3600 from jobs
     cross join lateral (values ('user', user_id), ('team', team_id), ('org', org_id)) as h(scope, subject) group by 1, 2`,
  );
  await filler.query('analyze');
  const { rows } = await filler.query('select distinct user_id from lanes');
  await database.tx((tx) =>
    refresh(
      tx,
      rows.map(({ user_id }) => user_id),
      [],
    ),
  );
}

async function bareClaimsPerSecond(filler) {
  await filler.query('create table bare (like jobs including all)');
  await filler.query('insert into bare select * from jobs limit $1', [RUNS * CLAIMS]);
  const { rows } = await filler.query('select id from bare where ord is not null');
  const began = performance.now();
  for (let first = 0; first < rows.length; first += BATCH)
    await filler.query({
      name: 'bare',
      text: `update bare set state = 'dispatching', ord = null, attempt = attempt + 1, version = version + 1, claimed_at = now()
        where id = any($1) returning id`,
      values: [rows.slice(first, first + BATCH).map(({ id }) => id)],
    });
  const perSecond = (rows.length * 1_000) / (performance.now() - began);
  await filler.query('drop table bare');
  return perSecond;
}
