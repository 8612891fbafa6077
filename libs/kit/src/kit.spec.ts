import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { client, expectProblem, refusesBadInput, startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ACCESS,
  Answers,
  Conflict,
  readEnv,
  serviceEnv,
  startService,
  type RunningService,
} from './index.js';

const body = z.strictObject({
  name: z.string().min(1).max(20),
  nested: z.strictObject({ count: z.int() }).optional(),
});
const query = z.strictObject({ limit: z.coerce.number().int().max(100).default(10) });
const Open = () => SetMetadata(ACCESS, { public: true });

@Controller('api/things')
class Things {
  @Post()
  @Open()
  @Answers(201, z.object({ name: z.string() }), 'Makes a thing')
  make(@Body({ schema: body }) thing: z.infer<typeof body>): object {
    if (thing.name === 'taken') throw new Conflict('that name is taken');
    if (thing.name === 'bug') throw new Error('secret detail');
    return { name: thing.name };
  }

  @Get(':id')
  @HttpCode(200)
  @Open()
  get(
    @Param('id', { schema: z.coerce.number().int() }) id: number,
    @Query({ schema: query }) { limit }: z.infer<typeof query>,
  ): object {
    return { id, limit };
  }
}
@Module({ controllers: [Things] })
class ThingsModule {}

let backends: Backends;
let service: RunningService;

beforeAll(async () => {
  backends = await startBackends();
  service = await startService({
    name: 'things',
    config: readEnv(serviceEnv, await backends.envFor('things')),
    modules: [{ module: ThingsModule }],
    entities: [],
    migrations: [],
  });
});
afterAll(async () => {
  await service?.close();
  await backends?.stop();
});

describe('HTTP', () => {
  it('refuses bad input with a problem that names the field', async () => {
    await refusesBadInput(client(service.url).post, '/api/things', { name: 'ok' }, [
      ['name', {}],
      ['name', { name: 3 }],
      ['name', { name: 'x'.repeat(21) }],
      ['nested.count', { name: 'a', nested: { count: 'many' } }],
      ['nested.count', { name: 'a', nested: {} }],
    ]);
  });

  it('checks parameters and queries too', async () => {
    const http = client(service.url);
    expect((await http.get('/api/things/7?limit=5')).body).toEqual({ id: 7, limit: 5 });
    expectProblem(await http.get('/api/things/seven'), 'param', 'id');
    expectProblem(await http.get('/api/things/7?limit=many'), 'query', 'limit');
    expectProblem(await http.get('/api/things/7?colour=red'), 'query', 'colour');
    expectProblem(await http.get('/api/things/%00'), 'NUL');
    expectProblem(await http.get('/api/nothing'), 'no such path');
  });

  it('takes JSON whatever the content type says, as `curl -d` sends it', async () => {
    const answer = await client(service.url).post('/api/things', '{"name":"curl"}', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ name: 'curl' });
  });

  it('tells known errors whole and unknown ones not at all', async () => {
    const http = client(service.url);
    expect((await http.post('/api/things', { name: 'taken' })).body).toMatchObject({
      status: 409,
      code: 'conflict',
      detail: 'that name is taken',
    });
    const bug = await http.post('/api/things', { name: 'bug' });
    expect(bug.status).toBe(500);
    expect(JSON.stringify(bug.body)).not.toContain('secret detail');
  });

  it('passes a request id through, or makes one', async () => {
    const http = client(service.url);
    expect((await http.get('/api/things/7', { 'x-request-id': 'mine-1' })).headers.get('x-request-id')).toBe(
      'mine-1',
    );
    expect(
      (await http.get('/api/things/7', { 'x-request-id': 'bad id' })).headers.get('x-request-id'),
    ).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is alive, ready, and says what it is made of', async () => {
    const http = client(service.url);
    expect((await http.get('/health/live')).status).toBe(200);
    expect((await http.get('/health/ready')).body).toMatchObject({ status: 'ready' });
    expect((await http.get('/health')).body).toMatchObject({
      status: 'healthy',
      components: [{ name: 'database', status: 'healthy' }],
    });
    expect((await http.get('/metrics')).body).toContain('lineclear_http_request_duration_seconds_bucket');
  });

  it('documents its routes from the schemas that check them', async () => {
    const { body: document } = await client(service.url).get('/openapi.json');
    expect(document.paths['/api/things'].post.requestBody.content['application/json'].schema).toMatchObject({
      required: ['name'],
      additionalProperties: false,
    });
    expect(
      document.paths['/api/things/{id}'].get.parameters.map((p: { name: string; in: string }) => [
        p.name,
        p.in,
      ]),
    ).toEqual([
      ['id', 'path'],
      ['limit', 'query'],
    ]);
    expect(document.paths['/api/things'].post.responses['201']).toBeDefined();
  });
});

describe('database', () => {
  it('commits what returns and rolls back what throws, and only then runs what waits for the commit', async () => {
    const { database } = service;
    await database.query('create table t (n int)');
    const seen: string[] = [];
    await database.tx(async (tx) => {
      tx.afterCommit(() => seen.push('one'));
      await tx.query('insert into t values (1)');
    });
    await expect(
      database.tx(async (tx) => {
        tx.afterCommit(() => seen.push('two'));
        await tx.query('insert into t values (2)');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await database.query('select n from t')).toEqual([{ n: 1 }]);
    expect(seen).toEqual(['one']);
  });

  it('reads counts and money as numbers', async () => {
    expect(
      await service.database.query(
        'select count(*) as n, 1.25::numeric as money, now() as at from generate_series(1,3)',
      ),
    ).toEqual([{ n: 3, money: 1.25, at: expect.any(Date) }]);
  });
});
