import pg from 'pg';
import { closedLoop, quantile } from './measure.mjs';

const SECONDS = 3;

/**
 * What this machine's Postgres can do at best: durable single-row commits by a named statement, at 1 and 32 clients, and how
 * long a statement takes that does nothing.
 */
export async function measureFloors(adminUrl) {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query('drop database if exists lineclear_floor');
  await admin.query('create database lineclear_floor');
  const url = new URL(adminUrl);
  url.pathname = '/lineclear_floor';
  const floors = {};
  for (const clients of [1, 32]) {
    const pool = new pg.Pool({ connectionString: url.href, max: clients });
    await pool.query(
      'create table if not exists floor (id bigint generated always as identity primary key, body text not null)',
    );
    const insert = { name: 'floor', text: 'insert into floor (body) values ($1)', values: ['x'.repeat(200)] };
    await closedLoop(clients, 0.5, () => pool.query(insert));
    const { latencies, perSecond } = await closedLoop(clients, SECONDS, () => pool.query(insert));
    floors[clients] = { perSecond, p50Ms: quantile(latencies, 0.5) };
    await pool.end();
  }
  await admin.query('drop database lineclear_floor');
  const nothing = { name: 'nothing', text: 'select 1' };
  const { latencies } = await closedLoop(1, SECONDS, () => admin.query(nothing));
  await admin.end();
  return { ...floors, roundTripUs: quantile(latencies, 0.5) * 1_000 };
}
