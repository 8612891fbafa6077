import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditRecorded } from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;
let path: string;

beforeAll(async () => {
  house = await openHouse(() => ({
    LINECLEAR_SECRETS_FILE_CHECK_SECONDS: '0',
    IN_ENVIRONMENT: 'environment',
    EMPTY_IN_ENVIRONMENT: '',
  }));
  path = join(house.backends.dir, 'secrets.json');
});
beforeEach(() => rm(path, { force: true }));
afterAll(() => house?.close());

const write = (text: string): Promise<void> => writeFile(path, text, { mode: 0o600 });
const inFile = (name: string, value: string): object => ({ name, value, source: 'file' });

it('asks the environment, then the file, then the store', async () => {
  await write(
    '{"IN_ENVIRONMENT": "file", "EMPTY_IN_ENVIRONMENT": "file", "IN_FILE": "file", "EMPTY_IN_FILE": ""}',
  );
  for (const name of ['IN_ENVIRONMENT', 'IN_FILE', 'EMPTY_IN_FILE'])
    await house.admin.post('/api/secrets', { name, value: 'store' });
  const names = ['IN_ENVIRONMENT', 'EMPTY_IN_ENVIRONMENT', 'in-file', 'IN_FILE', 'EMPTY_IN_FILE'];
  expect(await house.resolve(...names)).toEqual({
    missing: [],
    values: {
      IN_ENVIRONMENT: 'environment',
      // An empty variable is not a secret that wins.
      EMPTY_IN_ENVIRONMENT: 'file',
      'in-file': 'file',
      IN_FILE: 'file',
      EMPTY_IN_FILE: 'store',
    },
  });
});

it('sees a secret that was rotated in the file, one that was added, and one that was taken out, without a restart', async () => {
  await write('{"ROTATED": "old"}');
  expect(await house.resolve('ROTATED')).toMatchObject({ values: { ROTATED: 'old' } });
  expect(await house.resolve('ADDED')).toEqual({ missing: ['ADDED'] });
  await write('{"ROTATED": "new", "ADDED": "here"}');
  expect(await house.resolve('ROTATED', 'ADDED')).toMatchObject({
    values: { ROTATED: 'new', ADDED: 'here' },
  });
  await write('{}');
  expect(await house.resolve('ADDED')).toEqual({ missing: ['ADDED'] });
});

it('does not take a file that is refused for one that lacks the name: the store is not asked', async () => {
  await house.admin.post('/api/secrets', { name: 'FALLBACK', value: 'the costly shared key' });
  await write('{"FALLBACK": "mine"}');
  await chmod(path, 0o644);
  await expect(house.resolve('FALLBACK')).rejects.toThrow('open to others');
  const { body } = await house.admin.get('/api/secrets/FALLBACK/explain');
  expect(body.found_in).toBeNull();
  expect(body.sources).toContainEqual({
    source: 'file',
    scope: 'global',
    asked: true,
    has: false,
    error: `the file of secrets ${path} is open to others (mode 644): chmod 600 it`,
  });
  // What is in the store can still be looked through.
  const shown = await house.admin.get('/api/secrets/FALLBACK');
  expect(shown.status).toBe(200);
  expect(shown.body).not.toHaveProperty('source');
  expect(await house.metric('lineclear_secrets_source_requests_total')).toMatchObject({
    'file failed': expect.any(Number),
  });
  await chmod(path, 0o600);
  expect(await house.resolve('FALLBACK')).toMatchObject({ values: { FALLBACK: 'mine' } });
});

it('sets and removes in the file over HTTP, for this user alone, and tells the audit log', async () => {
  const set = await house.admin.post('/api/secrets', inFile('BY_HTTP', 'hunter2'));
  expect(set.status).toBe(201);
  expect(set.body).toEqual({ name: 'BY_HTTP', scope: 'global', created_at: expect.any(String) });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ BY_HTTP: 'hunter2' });
  expect(await house.resolve('by-http')).toMatchObject({ values: { 'by-http': 'hunter2' } });
  expect((await house.admin.get('/api/secrets/BY_HTTP')).status).toBe(404);

  expect((await house.admin.delete('/api/secrets/BY_HTTP')).status).toBe(404);
  expect((await house.admin.delete('/api/secrets/BY_HTTP?source=file')).status).toBe(204);
  expect((await house.admin.delete('/api/secrets/BY_HTTP?source=file')).status).toBe(404);
  expect(await house.resolve('BY_HTTP')).toEqual({ missing: ['BY_HTTP'] });
  await vi.waitFor(() => {
    const told = house.peer.events(auditRecorded).filter(({ data }) => data.target === 'secret/BY_HTTP');
    expect(told.map(({ data }) => data.action)).toEqual(['secret.set', 'secret.removed']);
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });
});

it('says when what was set is hidden by a source that is asked before, and stays with that', async () => {
  for (const body of [
    inFile('IN_ENVIRONMENT', 'set later'),
    { name: 'IN_ENVIRONMENT', value: 'set later' },
  ]) {
    expect((await house.admin.post('/api/secrets', body)).body).toMatchObject({ hidden_by: 'environment' });
    expect(await house.resolve('IN_ENVIRONMENT')).toMatchObject({
      values: { IN_ENVIRONMENT: 'environment' },
    });
  }
  await house.admin.post('/api/secrets', inFile('TWICE', 'file'));
  expect((await house.admin.post('/api/secrets', { name: 'TWICE', value: 'store' })).body).toMatchObject({
    hidden_by: 'file',
  });
});

it('tells the audit log nothing when the file could not be written', async () => {
  await write('broken');
  const refused = await house.admin.post('/api/secrets', inFile('NOT_WRITTEN', 'hunter2'));
  expect(refused.status).toBe(503);
  expect(JSON.stringify(refused.body)).not.toContain('hunter2');
  await rm(path);
  await house.admin.post('/api/secrets', inFile('AFTER_IT', 'x'));
  const told = (): unknown[] => house.peer.events(auditRecorded).map(({ data }) => data.target);
  await vi.waitFor(() => expect(told()).toContain('secret/AFTER_IT'));
  expect(told()).not.toContain('secret/NOT_WRITTEN');
});

it('keeps in the file what is for everybody, by administrators, and nothing else', async () => {
  await refusesBadInput(house.admin.post, '/api/secrets', inFile('A', 'x'), [
    ['source', { name: 'A', value: 'x', source: 'vault' }],
    ['scope', { ...inFile('A', 'x'), scope: 'user' }],
    ['description', { ...inFile('A', 'x'), description: 'why' }],
    ['name', inFile('channel.1.password', 'x')],
    ['value', inFile('A', '')],
  ]);
  expect((await house.ada.post('/api/secrets', inFile('A', 'x'))).status).toBe(403);
  expect((await house.ada.delete('/api/secrets/A?source=file')).status).toBe(403);
  expect((await house.admin.delete('/api/secrets/A?source=file&scope=user')).status).toBe(400);
});
