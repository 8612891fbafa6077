import { auditRecorded } from '@lineclear/contracts';
import { client, startFakeAws, type FakeAws } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

const NAME = 'lineclear/production';
let aws: FakeAws;
let house: SecretsHouse;

beforeAll(async () => {
  aws = await startFakeAws();
  house = await openHouse(() => ({
    LINECLEAR_AWS_SECRET_NAME: NAME,
    LINECLEAR_AWS_ENDPOINT: aws.url,
    LINECLEAR_AWS_REGION: 'eu-test-1',
    LINECLEAR_AWS_TIMEOUT_SECONDS: '1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'what this service shows AWS',
    IN_ENVIRONMENT: 'environment',
  }));
});
beforeEach(async () => {
  aws.recover();
  aws.secrets.set(NAME, '{"IN_AWS": "aws", "IN_ENVIRONMENT": "aws", "ROTATED": "old"}');
  await house.admin.post('/api/secrets/-/cache/clear');
});
afterAll(async () => {
  await house?.close();
  await aws?.close();
});

const calls = (): number => aws.calls('GetSecretValue');

it('asks AWS after the environment and before the store, and never for what was found already', async () => {
  await house.admin.post('/api/secrets', { name: 'IN_AWS', value: 'store' });
  await house.admin.post('/api/secrets', { name: 'IN_STORE', value: 'store' });
  const before = calls();
  expect(await house.resolve('IN_ENVIRONMENT')).toMatchObject({ values: { IN_ENVIRONMENT: 'environment' } });
  expect(calls()).toBe(before);
  expect(await house.resolve('IN_AWS', 'in-aws', 'IN_STORE')).toMatchObject({
    values: { IN_AWS: 'aws', 'in-aws': 'aws', IN_STORE: 'store' },
  });
});

it('makes one call for twenty who ask at once', async () => {
  const before = calls();
  const release = aws.hold('GetSecretValue');
  const answers = Array.from({ length: 20 }, () => house.resolve('IN_AWS'));
  await vi.waitFor(() => expect(calls()).toBe(before + 1));
  release();
  for (const answer of await Promise.all(answers))
    expect(answer).toMatchObject({ values: { IN_AWS: 'aws' } });
  expect(calls()).toBe(before + 1);
});

describe('a rotated secret', () => {
  it('is seen without a restart once its time is over', async () => {
    await house.resolve('ROTATED');
    aws.secrets.set(NAME, '{"ROTATED": "new"}');
    expect(await house.resolve('ROTATED')).toMatchObject({ values: { ROTATED: 'old' } });
    house.clock.pass(60);
    await vi.waitFor(async () =>
      expect(await house.resolve('ROTATED')).toMatchObject({ values: { ROTATED: 'new' } }),
    );
  });

  it('is seen at once, in every replica, when the cache is cleared; the audit log is told', async () => {
    const other = await house.replica();
    const admin = client(other.url, house.adminToken);
    const versionsIn = async (http: typeof admin): Promise<unknown> =>
      (await http.get('/api/secrets/ROTATED/explain')).body.sources.find(
        ({ source }: { source: string }) => source === 'aws',
      ).version_id;
    const [here, there] = [await versionsIn(house.admin), await versionsIn(admin)];
    const id = aws.secrets.set(NAME, '{"ROTATED": "new"}');
    expect([here, there]).not.toContain(id);
    const cleared = await house.admin.post('/api/secrets/-/cache/clear');
    expect(cleared.status).toBe(200);
    expect(cleared.body).toEqual({ cleared: ['aws'] });
    await vi.waitFor(async () => expect(await versionsIn(admin)).toBe(id));
    expect(await versionsIn(house.admin)).toBe(id);
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data.action)).toContain(
        'secrets.cache_cleared',
      ),
    );
    await other.close();
  });

  it('is not to be had by whoever may not clear the cache', async () => {
    expect((await house.ada.post('/api/secrets/-/cache/clear')).status).toBe(403);
    expect((await client(house.service.url).post('/api/secrets/-/cache/clear')).status).toBe(401);
  });
});

describe('what AWS does not have', () => {
  it('is not asked for each time, and is seen soon after it is made', async () => {
    expect(await house.resolve('MADE_LATER')).toEqual({ missing: ['MADE_LATER'] });
    const before = calls();
    expect(await house.resolve('MADE_LATER')).toEqual({ missing: ['MADE_LATER'] });
    expect(calls()).toBe(before);
    aws.secrets.set(NAME, '{"MADE_LATER": "here"}');
    house.clock.pass(5);
    expect(await house.resolve('MADE_LATER')).toMatchObject({ values: { MADE_LATER: 'here' } });
  });

  it('may be the whole secret: then the store is asked', async () => {
    await house.admin.post('/api/secrets', { name: 'ONLY_STORE', value: 'store' });
    aws.secrets.remove(NAME);
    expect(await house.resolve('ONLY_STORE')).toMatchObject({ values: { ONLY_STORE: 'store' } });
  });
});

describe('when AWS fails', () => {
  it('nothing is resolved from the store in its place, and explain says why', async () => {
    await house.admin.post('/api/secrets', { name: 'SHARED', value: 'the costly shared key' });
    await house.admin.post('/api/secrets/-/cache/clear');
    aws.failNext('GetSecretValue', 2, 'denied');
    await expect(house.resolve('SHARED')).rejects.toThrow(`the secret ${NAME}`);
    const { body } = await house.admin.get('/api/secrets/SHARED/explain');
    expect(body.found_in).toBeNull();
    expect(body.sources).toEqual([
      { source: 'environment', scope: 'global', asked: true, has: false, note: 'the variable SHARED' },
      { source: 'file', scope: 'global', asked: true, has: false, note: expect.any(String) },
      {
        source: 'aws',
        scope: 'global',
        asked: true,
        has: false,
        error: `AWS Secrets Manager: the secret ${NAME}: refused with AccessDeniedException (HTTP 400)`,
      },
      { source: 'vault', scope: 'global', asked: false, has: false, note: 'not configured: set VAULT_ADDR' },
      { source: 'store', scope: 'global', asked: true, has: true, version: 1 },
    ]);
    expect(await house.resolve('SHARED')).toMatchObject({ values: { SHARED: 'the costly shared key' } });
  });

  it('what is remembered is given for a while, and said to be stale; after that it is an error', async () => {
    await house.resolve('IN_AWS');
    house.clock.pass(100);
    aws.failNext('GetSecretValue', 3, 'broken');
    expect(await house.resolve('IN_AWS')).toMatchObject({ values: { IN_AWS: 'aws' } });
    await vi.waitFor(async () => {
      const { body } = await house.admin.get('/api/secrets/IN_AWS/explain');
      expect(body.found_in).toEqual({ source: 'aws', scope: 'global' });
      expect(body.sources[2]).toMatchObject({
        has: true,
        stale: true,
        cache_age_seconds: expect.any(Number),
        version_id: expect.any(String),
        error: expect.stringContaining('InternalServiceError'),
      });
      expect(body.sources[2].cache_age_seconds).toBeGreaterThanOrEqual(100);
    });
    house.clock.pass(260);
    await expect(house.resolve('IN_AWS')).rejects.toThrow('InternalServiceError');
  });

  it('tells it in its metrics', async () => {
    expect(await house.metric('lineclear_secrets_source_requests_total')).toMatchObject({
      'aws found': expect.any(Number),
      'aws failed': expect.any(Number),
    });
    expect(await house.metric('lineclear_secrets_cache_total')).toMatchObject({
      'aws miss': expect.any(Number),
      'aws hit': expect.any(Number),
      'aws negative': expect.any(Number),
      'aws stale': expect.any(Number),
    });
  });
});

it('keeps what this service shows AWS to itself', async () => {
  expect(await house.resolve('AWS_SECRET_ACCESS_KEY')).toEqual({ missing: ['AWS_SECRET_ACCESS_KEY'] });
  const { body } = await house.admin.get('/api/secrets/aws-secret-access-key/explain');
  expect(body.sources[0].note).toContain('configuration');
});
