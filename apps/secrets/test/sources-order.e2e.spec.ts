import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFakeAws, type FakeAws } from '@lineclear/testkit';
import { afterEach, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse | undefined;
let aws: FakeAws | undefined;
afterEach(async () => {
  await aws?.close();
  aws = undefined;
  await house?.close();
  house = undefined;
});

async function open(env: Record<string, string>): Promise<SecretsHouse> {
  house = await openHouse((dir) => {
    const file = join(dir, 'mine.yaml');
    writeFileSync(file, 'EVERYWHERE: file\nEVERYWHERE_BUT_STORE: file\n', { mode: 0o600 });
    return {
      LINECLEAR_SECRETS_FILE: file,
      EVERYWHERE: 'environment',
      EVERYWHERE_BUT_STORE: 'environment',
      AWS_ACCESS_KEY_ID: 'for jobs',
      ...env,
    };
  });
  await house.admin.post('/api/secrets', { name: 'EVERYWHERE', value: 'store' });
  return house;
}
const NAMES = ['EVERYWHERE', 'EVERYWHERE_BUT_STORE'];
const values = (everywhere: string, other: string): object => ({
  missing: [],
  values: { EVERYWHERE: everywhere, EVERYWHERE_BUT_STORE: other },
});

it('asks in the order that is set', async () => {
  const { resolve, admin } = await open({ LINECLEAR_SECRETS_SOURCES: 'store, file,environment' });
  expect(await resolve(...NAMES)).toEqual(values('store', 'file'));
  const { body } = await admin.get('/api/secrets/EVERYWHERE/explain');
  expect(body.found_in).toEqual({ source: 'store', scope: 'global' });
  expect(
    body.sources.map(({ source, asked, note }: Record<string, unknown>) => [
      source,
      asked,
      asked ? '' : note,
    ]),
  ).toEqual([
    ['store', true, ''],
    ['file', true, ''],
    ['environment', true, ''],
    ['aws', false, 'left out by LINECLEAR_SECRETS_SOURCES'],
    ['vault', false, 'left out by LINECLEAR_SECRETS_SOURCES'],
  ]);
});

it('does not ask what is left out, and refuses to write a file that is', async () => {
  const { resolve, admin } = await open({ LINECLEAR_SECRETS_SOURCES: 'store' });
  expect(await resolve('EVERYWHERE')).toMatchObject({ values: { EVERYWHERE: 'store' } });
  expect(await resolve('EVERYWHERE_BUT_STORE')).toEqual({ missing: ['EVERYWHERE_BUT_STORE'] });
  const refused = await admin.post('/api/secrets', { name: 'A', value: 'x', source: 'file' });
  expect(refused.status).toBe(400);
  expect(refused.body.errors[0].path).toBe('source');
});

it('serves the credentials of AWS in its environment for jobs, while it uses AWS itself for nothing', async () => {
  const { resolve } = await open({});
  expect(await resolve('aws-access-key-id')).toMatchObject({ values: { 'aws-access-key-id': 'for jobs' } });
});

it('keeps them once it wraps its own keys with KMS', async () => {
  const upstream = await startFakeAws();
  aws = upstream;
  upstream.kms.key('alias/lineclear');
  const { resolve } = await open({
    LINECLEAR_KMS_KEY: 'alias/lineclear',
    LINECLEAR_AWS_ENDPOINT: upstream.url,
    AWS_DEFAULT_REGION: 'eu-test-1',
    AWS_SECRET_ACCESS_KEY: 'not a real one',
  });
  expect(await resolve('aws-access-key-id')).toEqual({ missing: ['aws-access-key-id'] });
});

it('believes what it was told for as long as its settings say', async () => {
  const upstream = await startFakeAws();
  aws = upstream;
  const { resolve, clock } = await open({
    LINECLEAR_SECRETS_SOURCES: 'aws,store',
    LINECLEAR_AWS_SECRET_NAME: 'x',
    LINECLEAR_AWS_ENDPOINT: upstream.url,
    AWS_DEFAULT_REGION: 'eu-test-1',
    AWS_SECRET_ACCESS_KEY: 'not a real one',
    LINECLEAR_SECRETS_CACHE_SECONDS: '1000',
    LINECLEAR_SECRETS_CACHE_MISS_SECONDS: '500',
    LINECLEAR_SECRETS_CACHE_STALE_SECONDS: '0',
    LINECLEAR_SECRETS_CACHE_ENTRIES: '2',
  });
  const before = upstream.calls('GetSecretValue');
  const calls = (): number => upstream.calls('GetSecretValue') - before;
  upstream.secrets.set('x', '{"A": "old", "B": "b"}');
  await resolve('A');
  await resolve('NOPE');
  clock.pass(400);
  await resolve('A');
  await resolve('NOPE');
  expect(calls()).toBe(2);
  clock.pass(100);
  await resolve('NOPE');
  expect(calls()).toBe(3);
  // Of three, the one not used for longest is not kept.
  await resolve('A');
  await resolve('B');
  await resolve('A');
  expect(calls()).toBe(4);
  await resolve('NOPE');
  expect(calls()).toBe(5);
  upstream.secrets.set('x', '{"A": "new"}');
  clock.pass(999);
  // With no time for stale values, whoever asks waits for the new one.
  expect(await resolve('A')).toMatchObject({ values: { A: 'new' } });
});

it('reads the file of SimpleTuner in the home of whoever runs it, and looks at it as often as set', async () => {
  let file = '';
  house = await openHouse((dir) => {
    mkdirSync(join(dir, '.simpletuner'));
    file = join(dir, '.simpletuner', 'secrets.yaml');
    writeFileSync(file, 'HF_TOKEN: theirs\n', { mode: 0o600 });
    return { HOME: dir, LINECLEAR_SECRETS_FILE_CHECK_SECONDS: '3000' };
  });
  const { resolve, clock, admin } = house;
  expect(await resolve('hf-token')).toMatchObject({ values: { 'hf-token': 'theirs' } });
  writeFileSync(file, 'HF_TOKEN: rotated\n');
  expect(await resolve('hf-token')).toMatchObject({ values: { 'hf-token': 'theirs' } });
  clock.pass(3_000);
  await vi.waitFor(async () =>
    expect(await resolve('hf-token')).toMatchObject({ values: { 'hf-token': 'rotated' } }),
  );
  expect((await admin.post('/api/secrets', { name: 'A', value: 'x', source: 'file' })).status).toBe(409);
});
