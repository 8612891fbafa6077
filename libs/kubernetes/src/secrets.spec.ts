import type { KubernetesTrouble } from '@lineclear/testkit';
import { describe, expect, it } from 'vitest';
import { objectOf, ownCluster } from './cluster.fixture.js';
import { KubernetesFailure } from './failure.js';
import { removeSecret, saveSecret } from './save-secret.js';

// What must never be told, also in base64.
const VALUE = 'dmFsdWUtb2YtdGhpcy10ZXN0';
const OTHER = 'b3RoZXItdmFsdWU=';
const failing = async (call: Promise<unknown>): Promise<KubernetesFailure> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KubernetesFailure);
  expect(String((error as Error).stack)).not.toMatch(new RegExp(`${VALUE}|value-of-this-test`));
  return error as KubernetesFailure;
};

describe('a secret in a cluster', () => {
  it('is made, left where it is the same, kept where it is another, and replaced when told to', async () => {
    const { fake, secrets } = await ownCluster();
    const save = (data: string, override = false) =>
      saveSecret(secrets, objectOf('a', { A: data }), { override });
    expect(await save(VALUE)).toBe('create');
    const made = fake.secrets.get('training', 'a');
    expect(await save(VALUE)).toBe('unchanged');
    expect(await save(OTHER)).toBe('kept');
    expect(fake.secrets.get('training', 'a')).toBe(made);
    expect(await save(OTHER, true)).toBe('replace');
    expect(fake.secrets.get('training', 'a').data).toEqual({ A: OTHER });
    expect(fake.secrets.get('training', 'a').metadata.uid).toBe(made.metadata.uid);
    expect(await removeSecret(secrets, 'a')).toBe('removed');
    expect(await removeSecret(secrets, 'a')).toBe('gone');
  });

  it('of somebody else is neither replaced nor removed', async () => {
    const { fake, secrets } = await ownCluster();
    const theirs = { ...objectOf('a', { A: VALUE }), metadata: { name: 'a' } };
    const made = fake.secrets.create('training', theirs);
    expect(await saveSecret(secrets, objectOf('a', { A: OTHER }), { override: true })).toBe('not ours');
    expect(await removeSecret(secrets, 'a')).toBe('not ours');
    expect(fake.secrets.get('training', 'a')).toBe(made);
  });

  it('that is replaced keeps what others wrote beside it', async () => {
    const { fake, secrets } = await ownCluster();
    const object = objectOf('a', { A: VALUE });
    const finalizers = ['example.com/keep'];
    const labels = { ...object.metadata.labels, backup: 'daily' };
    fake.secrets.create('training', { ...object, metadata: { ...object.metadata, labels, finalizers } });
    await saveSecret(secrets, objectOf('a', { A: OTHER }), { override: true });
    expect(fake.secrets.get('training', 'a').metadata).toMatchObject({ labels, finalizers });
  });

  it('is found by its labels, however many there are, in its namespace alone', async () => {
    const { fake, secrets } = await ownCluster();
    const ours = { 'app.kubernetes.io/managed-by': 'lineclear' };
    for (let n = 0; n < 101; n += 1) fake.secrets.create('training', { ...objectOf(`a${n}`, {}) });
    fake.secrets.create('training', { ...objectOf('b', {}), metadata: { name: 'b' } });
    const elsewhere = objectOf('c', {});
    fake.secrets.create('default', {
      ...elsewhere,
      metadata: { ...elsewhere.metadata, namespace: 'default' },
    });
    const found = await secrets.list(ours);
    expect(found.map(({ name }) => name).sort()).toEqual(
      Array.from({ length: 101 }, (_, n) => `a${n}`).sort(),
    );
  });

  it('does not print', async () => {
    const { secrets } = await ownCluster();
    await secrets.create(objectOf('a', { A: VALUE }));
    expect(JSON.stringify(await secrets.get('a'))).not.toContain(VALUE);
  });
});

describe('two who write the same secret', () => {
  const change = (data: string) => objectOf('a', { A: data });

  it('are told apart: what the other one wrote meanwhile is read and decided anew', async () => {
    const { fake, secrets } = await ownCluster();
    fake.meanwhile('POST', () => fake.secrets.create('training', { ...change(OTHER) }));
    expect(await saveSecret(secrets, change(VALUE), { override: false })).toBe('kept');
    fake.meanwhile('PUT', () => fake.secrets.patch('training', 'a', { metadata: { labels: { x: 'y' } } }));
    expect(await saveSecret(secrets, change(VALUE), { override: true })).toBe('replace');
    expect(fake.secrets.get('training', 'a')).toMatchObject({
      data: { A: VALUE },
      metadata: { labels: { x: 'y' } },
    });
    fake.meanwhile('PUT', () => fake.secrets.delete('training', 'a', {}));
    expect(await saveSecret(secrets, change(OTHER), { override: true })).toBe('create');
    fake.meanwhile('DELETE', () => fake.secrets.patch('training', 'a', { metadata: { labels: { x: 'z' } } }));
    expect(await removeSecret(secrets, 'a')).toBe('removed');
  });

  it('do not take the other one’s away when it was made anew', async () => {
    const { fake, secrets } = await ownCluster();
    await secrets.create(change(VALUE));
    fake.meanwhile('DELETE', () => {
      fake.secrets.delete('training', 'a', {});
      fake.secrets.create('training', { ...change(OTHER), metadata: { name: 'a' } });
    });
    expect(await removeSecret(secrets, 'a')).toBe('not ours');
  });

  it('do not try without end', async () => {
    const { fake, secrets } = await ownCluster();
    await secrets.create(change(VALUE));
    fake.failNext('PUT', 99, { status: 409 });
    const { kind } = await failing(saveSecret(secrets, change(OTHER), { override: true }));
    expect(kind).toBe('conflict');
    expect(fake.calls.filter(({ method }) => method === 'PUT')).toHaveLength(5);
  });
});

describe('a cluster that does not do what it is asked', () => {
  const QUOTING = JSON.stringify({
    kind: 'Status',
    message: `bigger context ...|{"A":"${VALUE}"}|...`,
    details: { causes: [{ field: 'data[A]', message: VALUE }, { field: `"${VALUE}=="` }] },
  });
  const cases: readonly [string, KubernetesTrouble, object, RegExp][] = [
    ['an expired token', { status: 401 }, { kind: 'unauthorized' }, /expired or are wrong \(401\)/],
    ['no permission', { status: 403, text: QUOTING }, { kind: 'forbidden' }, /secrets: who asks may not/],
    ['nothing there', { status: 404, text: 'not found' }, { kind: 'not found' }, /it is not there \(404\)/],
    ['another one', { status: 409 }, { kind: 'conflict' }, /there already/],
    ['no time', { status: 429, retryAfterSeconds: 7 }, { kind: 'busy', retryAfterSeconds: 7 }, /in 7 s/],
    ['no time at all', { status: 429 }, { kind: 'busy', retryAfterSeconds: undefined }, /is busy \(429\)/],
    ['a fault of ours', { status: 422, text: QUOTING }, { kind: 'invalid' }, /invalid, data\[A\] \(422\)/],
    ['a body too large', { status: 413, text: '<html>' }, { kind: 'invalid' }, /invalid \(413\)/],
    ['a fault of its own', { status: 500, text: QUOTING }, { kind: 'unavailable' }, /\(500\)/],
    [
      'no capacity',
      { status: 503, retryAfterSeconds: 2 },
      { kind: 'unavailable', retryAfterSeconds: 2 },
      /\(503\)/,
    ],
    [
      'another address',
      { status: 307, location: 'https://127.0.0.1:1/' },
      { kind: 'unavailable' },
      /\(307\)/,
    ],
    ['something else', { status: 200, text: `{"A": ${VALUE}` }, { kind: 'unavailable' }, /is no JSON/],
    ['silence', 'hang', { kind: 'unavailable' }, /did not answer within 1 s/],
    ['a cut before it is done', 'cut before', { kind: 'unavailable' }, /cannot be reached \(ECONNRESET\)/],
    ['a cut after it is done', 'cut after', { kind: 'unavailable' }, /cannot be reached \(ECONNRESET\)/],
  ];

  it.each(cases)('is told by its kind, without a value: %s', async (_, trouble, expected, said) => {
    const { fake, secrets, as } = await ownCluster();
    fake.failNext('POST', 1, trouble);
    const asking = await as(fake.token, trouble === 'hang' ? 1 : 30);
    const failure = await failing(asking.create(objectOf('a', { A: VALUE })));
    expect(failure).toMatchObject(expected);
    expect(failure.message).toMatch(said);
    expect(fake.calls).toHaveLength(1);
    // What may have been done is done once: the same again says so.
    const again = await saveSecret(secrets, objectOf('a', { A: VALUE }), { override: false });
    expect(again).toBe(trouble === 'cut after' ? 'unchanged' : 'create');
  });

  it('is told of the real refusals in the same way', async () => {
    const { fake, secrets, as } = await ownCluster();
    const token = fake.issueToken(['elsewhere']);
    const stranger = await as(token);
    expect(await failing(stranger.get('a'))).toMatchObject({ kind: 'forbidden' });
    fake.expireToken(token);
    expect(await failing(stranger.get('a'))).toMatchObject({ kind: 'unauthorized' });
    const bad = { ...objectOf('a', { 'not a key': VALUE }) };
    expect(await failing(secrets.create(bad))).toMatchObject({ kind: 'invalid' });
    const closed = { ...objectOf('closed', { A: VALUE }), immutable: true };
    fake.secrets.create('training', closed);
    const failure = await failing(saveSecret(secrets, objectOf('closed', { A: OTHER }), { override: true }));
    expect(failure).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('invalid, data (422)'),
    });
    expect(await secrets.get('nothing')).toBeUndefined();
  });

  it('is told of as something else when it is no cluster', async () => {
    const { fake, secrets } = await ownCluster();
    fake.failNext('GET', 1, { status: 200, text: `{"kind": "Pod", "data": "${VALUE}"}` });
    expect(await failing(secrets.get('a'))).toMatchObject({ kind: 'unavailable' });
  });

  it('that is away is told by its address', async () => {
    const { fake, secrets } = await ownCluster();
    await fake.close();
    const { kind, message } = await failing(secrets.get('a'));
    expect({ kind, message }).toEqual({
      kind: 'unavailable',
      message: `${fake.url} cannot be reached (ECONNREFUSED)`,
    });
  });
});
