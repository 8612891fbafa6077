import { auditRecorded } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput, type Answer, type Client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { KeepHouse } from '../src/jobs/keep-house.js';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;
const key = new SealingKey();

beforeAll(async () => {
  house = await openHouse({ IN_ENVIRONMENT: 'not for people', LINECLEAR_SECRETS_ACCESS_LOG_DAYS: '10' });
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const reveal = (http: Client, names: string[], scope = 'user'): Promise<Answer> =>
  http.post('/api/secrets/-/reveal', { names, scope, public_key: key.publicKey });
const opened = async ({ body }: Answer): Promise<unknown> => JSON.parse(await key.open(body.box));

it('gives one’s own values back, sealed, with a line in both logs', async () => {
  const { ada } = house;
  await ada.post('/api/secrets', { name: 'MINE', value: 'mine alone', scope: 'user' });
  await ada.post('/api/secrets', { name: 'MINE', value: 'mine again', scope: 'user' });
  const answer = await reveal(ada, ['MINE', 'NONE', 'MINE']);
  expect(answer).toMatchObject({ status: 200, body: { versions: { MINE: 2 }, missing: ['NONE'] } });
  expect(JSON.stringify(answer.body)).not.toContain('mine again');
  expect(await opened(answer)).toEqual({ MINE: 'mine again' });
  const lines = await house.service.database.query(
    `select name, outcome, version, scope from access_log where purpose = 'reveal' order by name`,
  );
  expect(lines).toEqual([
    { name: 'MINE', outcome: 'released', version: 2, scope: expect.stringMatching(/^user:/) },
    { name: 'NONE', outcome: 'missing', version: null, scope: null },
  ]);
  await vi.waitFor(() =>
    expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ action: 'secret.revealed', target: 'secret/MINE', outcome: 'done' }),
    ),
  );
});

it('gives nobody what they may not set, nor what is not in the store', async () => {
  const { ada, admin } = house;
  await admin.post('/api/secrets', { name: 'SHARED', value: 'of the house' });
  expect(await opened(await reveal(admin, ['SHARED'], 'global'))).toEqual({ SHARED: 'of the house' });
  expect((await reveal(ada, ['SHARED'], 'global')).status).toBe(403);
  expect((await reveal(house.as('viewer'), ['MINE'])).status).toBe(403);
  expect((await reveal(house.as('researcher'), ['MINE'])).body).toEqual({ versions: {}, missing: ['MINE'] });
  expect((await reveal(admin, ['MINE'])).body.missing).toEqual(['MINE']);
  expect((await reveal(admin, ['IN_ENVIRONMENT'], 'global')).body.missing).toEqual(['IN_ENVIRONMENT']);
});

it('is remembered in the access log for as long as the setting says, as is what jobs had', async () => {
  const keepHouse = house.service.app.get(KeepHouse);
  const { database } = house.service;
  const lines = () => database.query('select 1 from access_log');
  const jobs = async (table: string) =>
    (
      await database.query<{ job: string }>(`select job_id || ' ' || attempt as job from ${table} order by 1`)
    ).map(({ job }) => job);
  const now = house.clock.now();
  // Of a job that was tried again only its last attempt is known to have ended.
  for (const [job, attempt, ended] of [
    ['ended', 1, null],
    ['ended', 2, now],
    ['live', 1, null],
  ] as const) {
    await database.query(
      `insert into grants (job_id, attempt, purpose, name, source, scope, user_id, granted_at, ended_at) values ($1, $2, 'run', 'X', 'own', 'global', 1, $3, $4)`,
      [job, attempt, now, job === 'ended' ? now : null],
    );
    await database.query(
      `insert into claims (job_id, attempt, user_id, provider, names, claimed_at, ended_at) values ($1, $2, 1, 'local', '{X}', $3, $4)`,
      [job, attempt, now, ended],
    );
  }
  expect((await lines()).length).toBeGreaterThan(0);
  house.clock.pass(9 * 86_400);
  await keepHouse.process();
  expect((await lines()).length).toBeGreaterThan(0);
  for (const table of ['grants', 'claims'])
    expect(await jobs(table)).toEqual(['ended 1', 'ended 2', 'live 1']);
  house.clock.pass(2 * 86_400);
  await keepHouse.process();
  expect(await lines()).toEqual([]);
  for (const table of ['grants', 'claims']) expect(await jobs(table)).toEqual(['live 1']);
});

it('gives no value that has ended or was removed', async () => {
  const { ada } = house;
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  await ada.post('/api/secrets', { name: 'ENDING', value: 'x', scope: 'user', expires_at });
  await ada.post('/api/secrets', { name: 'REMOVED', value: 'x', scope: 'user' });
  await ada.delete('/api/secrets/REMOVED?scope=user');
  house.clock.pass(3_601);
  const ended = await reveal(ada, ['ENDING']);
  expect(ended).toMatchObject({ status: 422, body: { code: 'secret_expired' } });
  expect((await reveal(ada, ['REMOVED'])).body.missing).toEqual(['REMOVED']);
});

it('refuses what is wrong, and names the field', async () => {
  const good = { names: ['MINE'], scope: 'user', public_key: key.publicKey };
  await refusesBadInput(house.ada.post, '/api/secrets/-/reveal', good, [
    ['names', { ...good, names: [] }],
    ['names', { ...good, names: ['not a name'] }],
    ['names', { ...good, names: ['channel.1.password'] }],
    ['names', { ...good, names: Array.from({ length: 101 }, (_, n) => `N${n}`) }],
    ['public_key', { ...good, public_key: 'x' }],
    ['public_key', { names: ['MINE'] }],
    ['scope', { ...good, scope: 'everyone' }],
  ]);
});
