import { expect, it } from 'vitest';
import { mergeOpenApi } from './merge-openapi.js';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const get = (schema: object, operationId?: string) => ({
  get: {
    ...(operationId ? { operationId } : {}),
    responses: { 200: { content: { 'application/json': { schema } } } },
  },
});
const schemaOf = (item: unknown): unknown =>
  (item as ReturnType<typeof get>).get.responses[200].content['application/json'].schema;

const text = { type: 'string' };
const auth = {
  paths: { '/api/users': get(ref('Page'), 'list'), '/api/orgs': get(ref('Org')), '/health': get(text) },
  components: {
    schemas: {
      Item: text,
      Page: { items: ref('Item') },
      Same: text,
      Org: text,
      Box: { discriminator: { mapping: { a: '#/components/schemas/Item' } } },
    },
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
  },
  tags: [{ name: 'users' }, { name: 'jobs', description: 'first' }],
};
const queue = {
  paths: {
    '/api/queue': get(ref('Page'), 'list'),
    '/api/users': get(text),
    '/api/cloud/{provider}/submit': get(ref('Same')),
  },
  components: {
    schemas: { Item: { type: 'number' }, Page: { items: ref('Item') }, Same: text },
    securitySchemes: { bearer: {} },
  },
  tags: [{ name: 'jobs', description: 'second' }],
};

const merged = mergeOpenApi(
  [
    { service: 'auth', document: auth },
    { service: 'queue-scheduler', document: queue },
  ],
  '1.2.3',
) as { paths: Record<string, unknown>; components: Record<string, Record<string, unknown>>; tags: unknown };

it('keeps the paths that the service is asked for through this door', () => {
  expect(Object.keys(merged.paths)).toEqual([
    '/api/cloud/{provider}/submit',
    '/api/orgs',
    '/api/queue',
    '/api/users',
  ]);
  expect(schemaOf(merged.paths['/api/users'])).toEqual(ref('auth.Page'));
});

it('tells apart names that mean different things, also those that only refer to such', () => {
  expect(Object.keys(merged.components['schemas'] ?? {}).sort()).toEqual([
    'Box',
    'Org',
    'Same',
    'auth.Item',
    'auth.Page',
    'queue-scheduler.Item',
    'queue-scheduler.Page',
  ]);
  expect(merged.components['schemas']).toMatchObject({
    'auth.Page': { items: ref('auth.Item') },
    'queue-scheduler.Page': { items: ref('queue-scheduler.Item') },
    Box: { discriminator: { mapping: { a: '#/components/schemas/auth.Item' } } },
  });
  expect(schemaOf(merged.paths['/api/queue'])).toEqual(ref('queue-scheduler.Page'));
  expect(schemaOf(merged.paths['/api/cloud/{provider}/submit'])).toEqual(ref('Same'));
});

it('keeps tags and security schemes once, and operation ids unique', () => {
  expect(merged.tags).toEqual([{ name: 'users' }, { name: 'jobs', description: 'first' }]);
  expect(merged.components['securitySchemes']).toEqual({ bearer: { type: 'http', scheme: 'bearer' } });
  expect(merged.paths['/api/users']).toMatchObject({ get: { operationId: 'list' } });
  expect(merged.paths['/api/queue']).toMatchObject({ get: { operationId: 'queue-scheduler.list' } });
});

it.each([undefined, null, 'x', [], {}, { paths: [], components: { schemas: null } }])(
  'takes %j without a fall',
  (document) => {
    expect(mergeOpenApi([{ service: 'auth', document }], '1')).toMatchObject({ openapi: '3.1.0', paths: {} });
  },
);
