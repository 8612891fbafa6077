import { connect } from 'node:net';
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { client, expectProblem, refusesBadInput, startBackends, type Backends } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import {
  ACCESS,
  Answers,
  Conflict,
  isDatabaseAway,
  problemOf,
  readEnv,
  serviceEnv,
  startService,
  type RunningService,
  type Tx,
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
@Controller('things')
class ThingPage {
  @Get()
  @Open()
  @Answers(200, null, 'A page for people')
  page(): string {
    return '<!doctype html>';
  }
}
@Module({ controllers: [Things, ThingPage] })
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

  it('repeats no more than the beginning of a field’s name', async () => {
    const long = 'x'.repeat(500_000);
    for (const thing of [
      { name: 'ok', [long]: 1 },
      { name: 'ok', [long]: '\u0000' },
    ]) {
      const answer = await client(service.url).post('/api/things', thing);
      expectProblem(answer, 'a long name', 'x'.repeat(200));
      expect(JSON.stringify(answer.body).length).toBeLessThan(2_000);
    }
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

  it('logs a bug with where it is, and a refusal with what was refused', async () => {
    const [error, info] = [vi.spyOn(service.log, 'error'), vi.spyOn(service.log, 'info')];
    const http = client(service.url);
    await http.post('/api/things', { name: 'bug' });
    await http.post('/api/things', { name: 'taken' });
    const at = { method: 'POST', path: '/api/things' };
    expect(error.mock.calls).toEqual([[{ err: expect.any(Error), status: 500, ...at }, expect.anything()]]);
    expect(info.mock.calls).toEqual([[{ code: 'conflict', status: 409, ...at }, 'that name is taken']]);
    vi.restoreAllMocks();
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

  it('answers a malformed path with a problem too', async () => {
    const { status, headers, body } = await client(service.url).get('/%zz');
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ status: 400, code: 'bad_request', request_id: expect.any(String) });
  });

  it('takes a status from its own server only, not from any error that has one', () => {
    expect(problemOf(Object.assign(new Error('upstream'), { statusCode: 404 })).status).toBe(500);
  });

  it('makes nothing of a client that goes away while it sends', async () => {
    const [debug, error] = [vi.spyOn(service.log, 'debug'), vi.spyOn(service.log, 'error')];
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write('POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"na', () =>
      setImmediate(() => socket.resetAndDestroy()),
    );
    await vi.waitFor(() =>
      expect(debug).toHaveBeenCalledWith(
        expect.objectContaining({ status: 400 }),
        expect.stringContaining('broke off'),
      ),
    );
    expect(error).not.toHaveBeenCalled();
  });

  it('waits only so long for a request to arrive whole', () => {
    expect(service.app.getHttpServer()).toMatchObject({ requestTimeout: 30_000, timeout: 0 });
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
    // Pages too, and nothing of the process's own.
    expect(Object.keys(document.paths).toSorted()).toEqual(['/api/things', '/api/things/{id}', '/things']);
  });
});

it('stops once, although it is told twice and a client never finishes its request', async () => {
  const second = await startService({
    name: 'things',
    config: readEnv(serviceEnv, await backends.envFor('things')),
    modules: [{ module: ThingsModule }],
    entities: [],
    migrations: [],
  });
  const { hostname, port } = new URL(second.url);
  const socket = connect(Number(port), hostname);
  const arrived = vi.waitFor(() => expect(second.app.getHttpServer()).toMatchObject({ _connections: 1 }));
  socket.write('POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"na');
  await arrived;
  const cut = new Promise<void>((resolve) =>
    socket.on('error', () => undefined).on('close', () => resolve()),
  );
  const warn = vi.spyOn(second.log, 'warn');
  await Promise.all([second.close(), second.close()]);
  await cut;
  expect(warn).not.toHaveBeenCalled();
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

  it('runs what is started together in its order, all in the transaction or none of it', async () => {
    const { database } = service;
    await database.query('create table log (id serial, n int unique)');
    const numbers = async (): Promise<number[]> =>
      (await database.query<{ n: number }>('select n from log order by id')).map(({ n }) => n);
    const add = (tx: Tx, ...some: number[]) =>
      Promise.all(some.map((n) => tx.query('insert into log (n) values ($1)', [n])));
    await database.tx((tx) => add(tx, 3, 1, 2));
    expect(await numbers()).toEqual([3, 1, 2]);
    await expect(database.tx((tx) => add(tx, 5, 1, 6))).rejects.toThrow('duplicate key');
    expect(await numbers()).toEqual([3, 1, 2]);
    await database.tx((tx) => add(tx, 7));
    expect(await numbers()).toEqual([3, 1, 2, 7]);
  });

  it('takes no statement once it has ended, from a branch that still runs', async () => {
    const { database } = service;
    await database.query('create table late (n int)');
    let branch: Promise<unknown> = Promise.resolve();
    const work = database.tx(async (tx) => {
      const goOn = async (): Promise<void> => {
        await tx.query('select 1');
        await tx.query('insert into late values (1)');
      };
      branch = goOn();
      await Promise.all([branch, Promise.reject(new Error('no'))]);
    });
    await expect(work).rejects.toThrow('no');
    await expect(branch).rejects.toThrow('is over');
    expect(await database.query('select n from late')).toEqual([]);
  });

  it('does not call committed what a failed statement took back', async () => {
    const { database } = service;
    await database.query('create table half (n int)');
    const followed = vi.fn();
    const work = database.tx(async (tx) => {
      tx.afterCommit(followed);
      await tx.query('insert into half values (1)');
      await tx.query('select nonsense').catch(() => undefined);
    });
    await expect(work).rejects.toThrow('nothing is committed');
    expect(followed).not.toHaveBeenCalled();
    expect(await database.tx((tx) => tx.query('select n from half'))).toEqual([]);
  });

  it('keeps what was committed though something that was to follow failed', async () => {
    const { database } = service;
    const seen: string[] = [];
    const result = await database.tx(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('nobody to wake');
      });
      tx.afterCommit(() => seen.push('next'));
      return 'done';
    });
    expect([result, seen]).toEqual(['done', ['next']]);
  });

  it('knows a database that is away from anything else that breaks off', async () => {
    const { database } = service;
    const killed = 'select pg_terminate_backend(pg_backend_pid())';
    const outcome = (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => false,
        (error: unknown) => isDatabaseAway(error),
      );
    const killedBetween = async (tx: Tx): Promise<void> => {
      const [me] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await database.query('select pg_terminate_backend($1)', [me?.pid]);
      await vi.waitFor(() => expect(tx.query('select 1')).rejects.toThrow());
      await tx.query('select 1');
    };
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const fails = (error: Error) => async (): Promise<never> => {
      throw error;
    };
    expect(await outcome(database.query(killed))).toBe(true);
    expect(await outcome(database.tx((tx) => tx.query(killed)))).toBe(true);
    expect(await outcome(database.tx(killedBetween))).toBe(true);
    expect(await outcome(database.tx(fails(reset)))).toBe(false);
    expect(await outcome(database.query('select nonsense'))).toBe(false);
    expect(isDatabaseAway(reset)).toBe(false);
    expect(problemOf(reset).status).toBe(500);
    expect(await database.tx((tx) => tx.query('select 1 as n'))).toEqual([{ n: 1 }]);
  });

  it('gives up on a statement that hangs for half a minute', async () => {
    expect(service.database.source.options.extra).toMatchObject({ query_timeout: 30_000 });
  });

  it('reads counts and money as numbers', async () => {
    expect(
      await service.database.query(
        'select count(*) as n, 1.25::numeric as money, now() as at from generate_series(1,3)',
      ),
    ).toEqual([{ n: 3, money: 1.25, at: expect.any(Date) }]);
  });
});
