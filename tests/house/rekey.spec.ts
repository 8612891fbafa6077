import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Client } from '@lineclear/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok } from './furnish.js';

const VERSIONS = 1_500;
const PATIENT = { timeout: 60_000 };
let home: string;
let house: House;
let admin: Client;
let database: pg.Client;

beforeAll(async () => {
  home = makeScratchFolder('rekey');
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    services: SERVICES.filter(({ name }) => ['auth', 'secrets'].includes(name)),
    env: {
      ...process.env,
      LINECLEAR_LOG_LEVEL: 'warn',
      LINECLEAR_SECRETS_SWEEP_SECONDS: '1',
      LINECLEAR_SECRETS_KEEP_VERSIONS: '1000',
    },
  });
  admin = client(house.services['secrets']!.url, house.adminKey);
  database = new pg.Client({ connectionString: house.services['secrets']!.databaseUrl });
  await database.connect();
}, 180_000);

afterAll(async () => {
  await database?.end();
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const works = async () => ok(await admin.get('/api/secrets/-/keys')).works;

it('goes on with wrapping all values anew after its process was killed on the way, and loses none', async () => {
  for (let set = 0; set < VERSIONS; set += 100) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        admin.post('/api/secrets', { name: `s${n}`, value: `${set} ${n}` }),
      ),
    );
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  }
  // Somebody holds one of the last rows: the work gets so far and no further.
  await database.query('begin');
  await database.query(
    `select from secret_versions where (secret_id, version) >=
       (select secret_id, version from secret_versions order by 1, 2 offset ${VERSIONS / 2} limit 1)
     order by secret_id, version limit 1 for update`,
  );
  ok(await admin.post('/api/secrets/-/keys/rotate'), 202);
  await vi.waitFor(async () => expect((await works())[0].done).toBeGreaterThan(VERSIONS / 4), PATIENT);
  const { pid } = house.services['secrets']!;
  process.kill(pid, 'SIGKILL');
  await database.query('rollback');
  await vi.waitFor(async () => {
    expect(house.services['secrets']!.pid).not.toBe(pid);
    expect((await works())[0].ended_at).toBeDefined();
  }, PATIENT);
  const [work] = await works();
  expect(work).toMatchObject({ kind: 'rewrap', total: VERSIONS, done: VERSIONS, failed: 0 });
  const { keys } = ok(await admin.get('/api/secrets/-/keys'));
  expect(keys).toMatchObject([{ version: 2, records: VERSIONS, is_current: true }]);
  // Every value opens: encrypting all of them anew reads each.
  ok(await admin.post('/api/secrets/-/keys/reencrypt'), 202);
  await vi.waitFor(
    async () => expect((await works())[0]).toMatchObject({ kind: 'reencrypt', ended_at: expect.any(String) }),
    PATIENT,
  );
  expect((await works())[0]).toMatchObject({ done: VERSIONS, failed: 0 });
}, 180_000);
