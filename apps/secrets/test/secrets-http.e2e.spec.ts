import { secretChanged } from '@lineclear/contracts';
import type { RunningService } from '@lineclear/kit';
import { startService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  expectProblem,
  people,
  refusesBadInput,
  startBackends,
  type Backends,
  type Client,
  type Peer,
  type People,
} from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';

let backends: Backends;
let service: RunningService;
let peer: Peer;
let folk: People;
const as = (...who: Parameters<People['add']>): Client => client(service.url, folk.add(...who).token);

beforeAll(async () => {
  backends = await startBackends();
  const key = Buffer.alloc(32, 3).toString('base64');
  service = await startService(
    define(
      await backends.envFor('secrets', { LINECLEAR_CREDENTIAL_KEY: key, SHADOWED: 'from the environment' }),
    ),
  );
  peer = await connectPeer(backends.nats.url);
  folk = await people(peer);
});

afterAll(async () => {
  await peer?.close();
  await service?.close();
  await backends?.stop();
});

const rows = async (): Promise<number> =>
  (await service.database.query('select 1 from secrets')).length +
  (await service.database.query('select 1 from secret_versions')).length;

describe('setting', () => {
  it('makes version after version, tells of each, and shows none of the values', async () => {
    const admin = as('admin');
    const first = await admin.post('/api/secrets', {
      name: 'HF_TOKEN',
      value: 'hf_1',
      description: 'for downloads',
    });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      name: 'HF_TOKEN',
      scope: 'global',
      version: 1,
      created_at: expect.any(String),
    });
    expect((await admin.post('/api/secrets', { name: 'HF_TOKEN', value: 'hf_2' })).body).toMatchObject({
      version: 2,
    });

    const shown = await admin.get('/api/secrets/HF_TOKEN');
    expect(shown.body).toEqual({
      name: 'HF_TOKEN',
      requires_approval: false,
      scope: 'global',
      version: 2,
      description: 'for downloads',
      source: 'store',
      created_at: first.body.created_at,
      updated_at: expect.any(String),
      freshness: 'fresh',
    });
    await vi.waitFor(() => {
      const told = peer.events(secretChanged).filter((e) => e.data.name === 'HF_TOKEN');
      expect(told.map((e) => e.data)).toEqual(
        [1, 2].map((version) => ({
          name: 'HF_TOKEN',
          scope: 'global',
          version,
          by_user_id: expect.any(Number),
        })),
      );
    });
  });

  it('gives each of many parallel changes its own version', async () => {
    const admin = as('admin');
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => admin.post('/api/secrets', { name: 'RACE', value: `v${n}` })),
    );
    expect(answers.map(({ body }) => body.version as number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, n) => n + 1),
    );
  });

  it('takes the longest value in any alphabet, and nothing longer', async () => {
    const admin = as('admin');
    expect((await admin.post('/api/secrets', { name: 'LONG', value: '鍵'.repeat(65_536) })).status).toBe(201);
    expectProblem(
      await admin.post('/api/secrets', { name: 'LONG', value: 'x'.repeat(65_537) }),
      'too long',
      'value',
    );
    expectProblem(
      await admin.post('/api/secrets', { name: 'LONG', value: '\u0001'.repeat(65_536) }),
      'too large encoded',
      'value',
    );
  });

  it('refuses what is wrong, names the field, repeats no value, and writes nothing', async () => {
    const admin = as('admin');
    const before = await rows();
    const good = { name: 'GOOD', value: 'x' };
    await refusesBadInput(admin.post, '/api/secrets', good, [
      ['name', { value: 'x' }],
      ['name', { ...good, name: '' }],
      ['name', { ...good, name: 7 }],
      ['name', { ...good, name: 'has space' }],
      ['name', { ...good, name: 'a'.repeat(129) }],
      ['name', { ...good, name: 'channel.1.password' }],
      ['name', { ...good, name: 'Channel.1.password' }],
      ['value', { name: 'GOOD' }],
      ['value', { ...good, value: '' }],
      ['value', { ...good, value: 5 }],
      ['value', { ...good, value: { a: 1 } }],
      ['description', { ...good, description: 'x'.repeat(501) }],
      ['scope', { ...good, scope: 'user:1' }],
      ['scope', { ...good, scope: 'everyone' }],
    ]);
    expect((await admin.post('/api/secrets')).status).toBe(400);
    const leaky = await admin.post('/api/secrets', '{"name":"A","value":hunter2}');
    expect(leaky.status).toBe(400);
    expect(JSON.stringify(leaky.body)).not.toContain('hunter2');
    expect(await rows()).toBe(before);
  });
});

describe('the other routes', () => {
  it.each([
    '/api/secrets?limit=0',
    '/api/secrets?limit=201',
    '/api/secrets?limit=x',
    '/api/secrets?cursor=a%20b',
    '/api/secrets?nope=1',
    '/api/secrets?scope=all',
  ])('refuses %s', async (path) => {
    expectProblem(await as('admin').get(path), path, /[?](\w+)/.exec(path)?.[1]);
  });

  it.each([
    '/api/secrets/has%20space',
    '/api/secrets/-x',
    `/api/secrets/${'a'.repeat(129)}`,
    '/api/secrets/a%00b',
    '/api/secrets/has%20space/explain',
  ])('refuses %s', async (path) => {
    expectProblem(await as('admin').get(path), path, 'name');
    if (!path.endsWith('explain')) expectProblem(await as('admin').delete(path), path, 'name');
  });

  it('refuses unknown queries on each', async () => {
    const admin = as('admin');
    for (const path of ['/api/secrets/HF_TOKEN?x=1', '/api/secrets/HF_TOKEN/explain?x=1'])
      expectProblem(await admin.get(path), path, 'x');
    expectProblem(await admin.delete('/api/secrets/HF_TOKEN?scope=user:1'), 'delete', 'scope');
    expectProblem(await admin.delete('/api/secrets/channel.1.password'), 'delete', 'name');
  });

  it('purges with all versions, once, and says so', async () => {
    const admin = as('admin');
    for (const value of ['1', '2']) await admin.post('/api/secrets', { name: 'GONE', value });
    expect((await admin.delete('/api/secrets/GONE?purge=true')).status).toBe(204);
    expect((await admin.delete('/api/secrets/GONE?purge=true')).status).toBe(404);
    expect((await admin.get('/api/secrets/GONE')).status).toBe(404);
    expect(
      await service.database.query(
        "select 1 from secret_versions v join secrets s on s.id = v.secret_id where s.name = 'GONE'",
      ),
    ).toHaveLength(0);
    await vi.waitFor(() =>
      expect(
        peer
          .events(secretChanged)
          .filter((e) => e.data.name === 'GONE')
          .map((e) => e.data.version),
      ).toEqual([1, 2, 0]),
    );
    expect((await admin.post('/api/secrets', { name: 'GONE', value: 'again' })).body.version).toBe(1);
  });

  it('lists in pages, each secret once', async () => {
    const own = as('researcher');
    for (const n of [1, 2, 3, 4, 5])
      await own.post('/api/secrets', { name: `PAGE_${n}`, value: 'x', scope: 'user' });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { status, body } = await own.get(
        `/api/secrets?scope=user&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      );
      expect(status).toBe(200);
      expect(body.total).toBe(5);
      expect(body.secrets[0]).not.toHaveProperty('value');
      seen.push(...body.secrets.map(({ name }: { name: string }) => name));
      cursor = body.next_cursor;
    } while (cursor);
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => `PAGE_${n}`));
  });

  it('explains where a name comes from, in order, without its value', async () => {
    const admin = as('admin');
    await admin.post('/api/secrets', { name: 'shadowed', value: 'from the store' });
    const { body } = await admin.get('/api/secrets/shadowed/explain');
    expect(body).toEqual({
      name: 'shadowed',
      found_in: { source: 'environment', scope: 'global' },
      sources: [
        { source: 'environment', scope: 'global', asked: true, has: true, note: 'the variable SHADOWED' },
        {
          source: 'file',
          scope: 'global',
          asked: true,
          has: false,
          note: expect.stringContaining('secrets.json'),
        },
        {
          source: 'aws',
          scope: 'global',
          asked: false,
          has: false,
          note: expect.stringContaining('AWS_SECRET_NAME'),
        },
        {
          source: 'vault',
          scope: 'global',
          asked: false,
          has: false,
          note: expect.stringContaining('VAULT_ADDR'),
        },
        { source: 'store', scope: 'global', asked: true, has: true, version: 1 },
      ],
    });
    expect((await admin.get('/api/secrets/shadowed')).body.source).toBe('environment');
    const own = await admin.get('/api/secrets/shadowed/explain?scope=user');
    expect(
      own.body.sources.map((place: { source: string; scope: string }) => [place.source, place.scope]),
    ).toEqual([
      ['store', 'user'],
      ['environment', 'global'],
      ['file', 'global'],
      ['aws', 'global'],
      ['vault', 'global'],
      ['store', 'global'],
    ]);
    expect((await admin.get('/api/secrets/NOBODY_HAS_IT/explain')).body.found_in).toBeNull();
    expect((await admin.get('/api/secrets/database-url/explain')).body.sources[0]).toMatchObject({
      has: false,
      note: expect.stringContaining('configuration'),
    });
  });
});

describe('who may', () => {
  it('lets strangers do nothing', async () => {
    const anyone = client(service.url);
    for (const answer of [
      anyone.post('/api/secrets', { name: 'A', value: 'b' }),
      anyone.get('/api/secrets'),
      anyone.get('/api/secrets/HF_TOKEN'),
      anyone.get('/api/secrets/HF_TOKEN/explain'),
      anyone.delete('/api/secrets/HF_TOKEN'),
    ])
      expect((await answer).status).toBe(401);
  });

  it.each<['viewer' | 'researcher' | 'lead' | 'admin', boolean, boolean]>([
    ['viewer', false, false],
    ['researcher', false, true],
    ['lead', false, true],
    ['admin', true, true],
  ])('lets a %s touch global ones: %s, and their own: %s', async (level, shared, own) => {
    const http = as(level);
    for (const [scope, may] of [
      ['global', shared],
      ['user', own],
    ] as const) {
      expect((await http.post('/api/secrets', { name: `BY_${level}`, value: 'x', scope })).status).toBe(
        may ? 201 : 403,
      );
      for (const path of ['', `/BY_${level}`, `/BY_${level}/explain`])
        expect((await http.get(`/api/secrets${path}?scope=${scope}`)).status, path).toBe(may ? 200 : 403);
      expect((await http.delete(`/api/secrets/BY_${level}?scope=${scope}`)).status).toBe(may ? 204 : 403);
    }
  });

  it("keeps one user's secrets from every other, also from an administrator", async () => {
    const [ada, bob, admin] = [as('researcher'), as('researcher'), as('admin')];
    expect((await ada.post('/api/secrets', { name: 'ADAS', value: 'x', scope: 'user' })).status).toBe(201);
    for (const other of [bob, admin]) {
      for (const scope of other === admin ? ['user', 'global'] : ['user']) {
        expect((await other.get(`/api/secrets/ADAS?scope=${scope}`)).status).toBe(404);
        expect((await other.delete(`/api/secrets/ADAS?scope=${scope}`)).status).toBe(404);
        expect((await other.get(`/api/secrets/ADAS/explain?scope=${scope}`)).body.found_in).toBeNull();
        expect(
          (await other.get(`/api/secrets?scope=${scope}`)).body.secrets.map(
            ({ name }: { name: string }) => name,
          ),
        ).not.toContain('ADAS');
      }
    }
    // The same name is another secret for everyone.
    expect((await bob.post('/api/secrets', { name: 'ADAS', value: 'y', scope: 'user' })).body.version).toBe(
      1,
    );
    expect((await bob.delete('/api/secrets/ADAS?scope=user')).status).toBe(204);
    expect((await ada.get('/api/secrets/ADAS?scope=user')).status).toBe(200);
  });
});

it('documents its routes, and migrates to just what its entities say', async () => {
  const { body } = await client(service.url).get('/openapi.json');
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(['/api/secrets', '/api/secrets/{name}', '/api/secrets/{name}/explain']),
  );
  const { upQueries } = await service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});
