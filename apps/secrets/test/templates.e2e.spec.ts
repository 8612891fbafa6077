import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;

beforeAll(async () => {
  house = await openHouse({ FROM_ENVIRONMENT: 'of the environment' });
  const { admin } = house;
  await admin.post('/api/secrets', { name: 'USER_NAME', value: 'ada' });
  await admin.post('/api/secrets', { name: 'PASS', value: 'one' });
  await admin.post('/api/secrets', {
    name: 'URL',
    value: 'postgres://${USER_NAME}:${PASS}@db/$${x}',
    template: true,
  });
});
afterAll(() => house?.close());

const set = (name: string, value: string, more: object = { template: true }) =>
  house.admin.post('/api/secrets', { name, value, ...more });
const accessOf = (name: string) =>
  house.service.database.query<{ name: string; outcome: string; version: number }>(
    'select name, outcome, version from access_log where name = $1 order by id',
    [name],
  );

it('is given out with what it refers to, as that is now, and each is noted', async () => {
  expect(await house.resolve('URL')).toMatchObject({ values: { URL: 'postgres://ada:one@db/${x}' } });
  await house.admin.post('/api/secrets', { name: 'PASS', value: 'two' });
  expect(await house.resolve('URL')).toMatchObject({ values: { URL: 'postgres://ada:two@db/${x}' } });
  expect(await accessOf('PASS')).toEqual([
    { name: 'PASS', outcome: 'released', version: 1 },
    { name: 'PASS', outcome: 'released', version: 2 },
  ]);
});

it('may refer to other templates, and to what other sources have', async () => {
  await set('DEEP', '<${URL}|${from-environment}>');
  expect(await house.resolve('DEEP', 'PASS')).toMatchObject({
    values: { DEEP: '<postgres://ada:two@db/${x}|of the environment>', PASS: 'two' },
  });
});

it('that refers to itself, to nothing, or to what has ended is refused, and says why without a value', async () => {
  await set('ROUND', '${ROUND_TOO}');
  await set('ROUND_TOO', '${ROUND}');
  await expect(house.resolve('ROUND')).rejects.toThrow('a circle: ROUND -> ROUND_TOO -> ROUND');
  await set('LOST', '${PASS}${NOT_THERE}');
  await expect(house.resolve('LOST')).rejects.toThrow(/^(?!.*two).*LOST refers to NOT_THERE/);
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  await set('ENDING', 'x', { expires_at });
  await set('ENDED', '${ENDING}');
  house.clock.pass(3_601);
  await expect(house.resolve('ENDED')).rejects.toThrow('ENDING ended on');
  house.clock.laterMs = 0;
});

it('comes with a thousand others at once, as many as one question takes', async () => {
  const names = Array.from({ length: 999 }, (_, n) => `FILE_${n}`);
  const entries = names.map((name) => `${name}=value of ${name}`).join('\n');
  const imported = await house.admin.post('/api/secrets/-/import', { format: 'dotenv', content: entries });
  expect(imported.status).toBe(200);
  const { values } = (await house.resolve('URL', ...names)) as { values: Record<string, string> };
  expect(Object.keys(values)).toHaveLength(1_000);
  expect(values).toMatchObject({ FILE_998: 'value of FILE_998', URL: 'postgres://ada:two@db/${x}' });
  expect(values).not.toHaveProperty('PASS');
});

it('is what was said to be one: any other value may look like it', async () => {
  await set('PLAIN', 'a ${PASS} b', {});
  expect(await house.resolve('PLAIN')).toMatchObject({ values: { PLAIN: 'a ${PASS} b' } });
  await set('PLAIN', 'now ${PASS}');
  expect(await house.resolve('PLAIN')).toMatchObject({ values: { PLAIN: 'now two' } });
  await house.admin.post('/api/secrets/PLAIN/rollback', { version: 1 });
  expect(await house.resolve('PLAIN')).toMatchObject({ values: { PLAIN: 'a ${PASS} b' } });
  const { versions } = (await house.admin.get('/api/secrets/PLAIN/versions')).body;
  expect(versions.map(({ is_template }: { is_template: boolean }) => is_template)).toEqual([
    false,
    true,
    false,
  ]);
  await house.admin.post('/api/secrets/PLAIN/rollback', { version: 2 });
  expect(await house.resolve('PLAIN')).toMatchObject({ values: { PLAIN: 'now two' } });
});

it('is refused for the file, and as anything but a yes or no', async () => {
  await refusesBadInput(house.admin.post, '/api/secrets', { name: 'X', value: 'x' }, [
    ['template', { name: 'X', value: 'x', template: 'yes' }],
    ['template', { name: 'X', value: 'x', source: 'file', template: true }],
  ]);
});
