import { Controller, Get } from '@nestjs/common';
import { AccessModule, Allow } from '@lineclear/access';
import { BusModule, busEntities, busMigrations, busTransports } from '@lineclear/bus';
import { Answers, Clock, readEnv, serviceEnv, startService, type RunningService } from '@lineclear/kit';
import { client, type Client } from '@lineclear/testkit';
import { z } from 'zod';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openAuthHouse, withHeaders, type AuthHouse } from './auth-house.js';

@Controller('api/secrets')
class Door {
  @Get()
  @Allow('config.view')
  @Answers(200, z.object({ open: z.literal(true) }), 'Stands for any route of another service')
  open(): object {
    return { open: true };
  }
}
class DoorModule {}

/** Time stands still there: what it believes never grows old by itself. */
class StoppedClock extends Clock {
  readonly #now = new Date();
  override now(): Date {
    return this.#now;
  }
}

let house: AuthHouse;
let elsewhere: RunningService;
let http: Client;

beforeAll(async () => {
  house = await openAuthHouse();
  elsewhere = await startService({
    name: 'secrets',
    config: readEnv(serviceEnv, await house.backends.envFor('secrets')),
    modules: [
      BusModule.of('secrets', house.backends.nats.url),
      AccessModule.of(),
      { module: DoorModule, controllers: [Door] },
    ],
    entities: [...busEntities],
    migrations: [...busMigrations],
    // Without its answers to questions, which this test asks none of.
    transports: (app) => busTransports(app).slice(1),
    clock: new StoppedClock(),
  });
  http = client(elsewhere.url);
});
afterAll(async () => {
  await elsewhere?.close();
  await house?.close();
});

const DOOR = '/api/secrets';
const KEYS = '/api/auth/api-keys';

interface Case {
  /** Knocks at the other service's door with the credential. */
  readonly knock: () => Promise<number>;
  readonly change: () => Promise<{ status: number }>;
  /** The same change in the tables alone, as if nobody were told; and back. */
  readonly silently: readonly [string, string];
  readonly id: number;
}

async function keyCase(more: object = {}) {
  const person = await house.person('researcher');
  const { body } = await person.http.post(KEYS, { name: 'used elsewhere', ...more });
  const knock = async (): Promise<number> =>
    (await http.get(DOOR, { authorization: `Bearer ${body.key}` })).status;
  return { person, keyId: body.key_info.id as number, knock };
}

const CASES: Readonly<Record<string, readonly [number, () => Promise<Case>]>> = {
  'a key is revoked': [
    401,
    async () => {
      const { person, keyId: id, knock } = await keyCase();
      return {
        id,
        knock,
        change: () => person.http.delete(`${KEYS}/${id}`),
        silently: [
          'update api_keys set revoked_at = now() where id = $1',
          'update api_keys set revoked_at = null where id = $1',
        ],
      };
    },
  ],
  'a key is replaced without an overlap': [
    401,
    async () => {
      const { person, keyId: id, knock } = await keyCase();
      return {
        id,
        knock,
        change: () => person.http.post(`${KEYS}/${id}/rotate`, { overlap_hours: 0 }),
        silently: [
          'update api_keys set expires_at = created_at where id = $1',
          'update api_keys set expires_at = null where id = $1',
        ],
      };
    },
  ],
  'a permission is denied': [
    403,
    async () => {
      const { person, knock } = await keyCase();
      const denial = { permission_name: 'config.view', granted: false };
      return {
        id: person.id,
        knock,
        change: () => house.admin.post(`/api/users/${person.id}/permissions`, denial),
        silently: [
          `insert into permission_overrides (user_id, permission, granted) values ($1, 'config.view', false)`,
          'delete from permission_overrides where user_id = $1',
        ],
      };
    },
  ],
  'a level loses a permission': [
    403,
    async () => {
      const level = { name: 'student', priority: 5, permissions: ['config.view', 'job.view.own'] };
      await house.admin.post('/api/users/levels', level);
      const { id, token } = await house.person('student');
      return {
        id,
        knock: async () => (await http.get(DOOR, { authorization: `Bearer ${token}` })).status,
        change: () =>
          house.admin.put('/api/users/levels/student/permissions', { permission_names: ['job.view.own'] }),
        silently: [
          `update levels set permissions = '{job.view.own}' where name = (select level from users where id = $1)`,
          `update levels set permissions = '{config.view,job.view.own}' where name = (select level from users where id = $1)`,
        ],
      };
    },
  ],
  'a user is deactivated': [
    401,
    async () => {
      const { person, knock } = await keyCase();
      return {
        id: person.id,
        knock,
        change: () => house.admin.patch(`/api/users/${person.id}`, { is_active: false }),
        silently: [
          'update users set is_active = false where id = $1',
          'update users set is_active = true where id = $1',
        ],
      };
    },
  ],
  'a session is ended': [
    401,
    async () => {
      const person = await house.person('researcher');
      const { cookie } = await house.login(person.username);
      const { sessions } = (await person.http.get('/api/auth/sessions')).body;
      const id = sessions[0].id as number;
      return {
        id,
        knock: async () => (await withHeaders(http, { cookie }).get(DOOR)).status,
        change: () => person.http.delete(`/api/auth/sessions/${id}`),
        silently: [
          'update sessions set expires_at = created_at where id = $1',
          `update sessions set expires_at = created_at + interval '1 day' where id = $1`,
        ],
      };
    },
  ],
  'an allow list is narrowed': [
    403,
    async () => {
      const { person, keyId: id, knock } = await keyCase({ allowed_cidrs: ['127.0.0.0/8'] });
      return {
        id,
        knock,
        change: () => person.http.patch(`${KEYS}/${id}`, { allowed_cidrs: ['203.0.113.0/24'] }),
        silently: [
          `update api_keys set allowed_cidrs = '{203.0.113.0/24}' where id = $1`,
          `update api_keys set allowed_cidrs = '{127.0.0.0/8}' where id = $1`,
        ],
      };
    },
  ],
};

it.each(Object.entries(CASES))(
  'when %s, a service that knew the caller refuses as soon as it is told',
  async (_, [refusal, prepare]) => {
    const { id, knock, change, silently } = await prepare();
    const { database } = house.service;
    expect(await knock()).toBe(200);
    // Told of nothing, it goes on believing what it knows: what refuses below is the event and nothing else.
    await database.query(silently[0], [id]);
    expect(await knock()).toBe(200);
    await database.query(silently[1], [id]);
    expect((await change()).status).toBeLessThan(300);
    await vi.waitFor(async () => expect(await knock()).toBe(refusal));
  },
);

it('is used elsewhere from its own networks alone', async () => {
  const person = await house.person('researcher');
  const { body } = await person.http.post(KEYS, { name: 'office', allowed_cidrs: ['203.0.113.0/24'] });
  const authorization = `Bearer ${body.key}`;
  const from = async (address: string) => http.get(DOOR, { authorization, 'x-forwarded-for': address });
  expect((await from('203.0.113.5')).status).toBe(200);
  const refused = await from('203.0.114.5');
  expect(refused.status).toBe(403);
  expect(JSON.stringify(refused.body)).not.toContain('203.0.113');
  // Each request is judged by its own address, whatever the one before was answered.
  expect((await from('::ffff:203.0.113.5')).status).toBe(200);
});
