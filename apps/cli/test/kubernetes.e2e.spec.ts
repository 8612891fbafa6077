import { startFakeKubernetes, type FakeKubernetes } from '@lineclear/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fakeGateway, type FakeGateway } from './fake-gateway.fixture.js';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear, type Ran } from './world.fixture.js';

const AWS = { access_key: 'AKIAABCDEFGHIJKLMNOP', secret_key: 'secret-of-aws' };
const NAME = 'lc-ada-aws';
let home: Home;
let cluster: FakeKubernetes;
let printed = '';

beforeEach(async () => {
  home = await makeHome();
  cluster = await startFakeKubernetes();
  cluster.addNamespace('training');
  await home.put('.kube/config', cluster.kubeconfig({ namespace: 'training' }));
  printed = '';
});
afterEach(async () => {
  await cluster.close();
  await home.remove();
  for (const value of [AWS.secret_key, Buffer.from(AWS.secret_key).toString('base64')])
    expect(printed).not.toContain(value);
});

const run = async (
  args: readonly string[],
  {
    input = '',
    env = {},
  }: { readonly input?: string; readonly env?: Record<string, string | undefined> } = {},
): Promise<Ran> => {
  const ran = await lineclear(home.path, args, { input, env: { USER: 'ada', ...env } });
  printed += ran.stdout + ran.stderr;
  return ran;
};
const place = (...flags: string[]): Promise<Ran> =>
  run(['place', 'aws', '--kubernetes', ...flags], { input: JSON.stringify(AWS) });
const held = (name = NAME, namespace = 'training'): Record<string, string> =>
  Object.fromEntries(
    Object.entries(cluster.secrets.get(namespace, name).data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  );
const has = (text: string): unknown => expect.stringContaining(text);

describe('a credential that is placed in Kubernetes', () => {
  it('is a Secret object with labels, and what its pod says of it: variables, and each file at its path for its owner', async () => {
    const { code, stdout, stderr } = await place();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^# Secret lc-ada-aws in training: made\n/);
    const { metadata, type } = cluster.secrets.get('training', NAME);
    expect({ metadata, type }).toMatchObject({
      type: 'Opaque',
      metadata: {
        labels: {
          'app.kubernetes.io/managed-by': 'lineclear',
          'lineclear.dev/owner': 'ada',
          'lineclear.dev/provider': 'aws',
          'lineclear.dev/secret': 'aws',
        },
      },
    });
    expect(held()).toMatchObject({
      AWS_ACCESS_KEY_ID: AWS.access_key,
      AWS_SECRET_ACCESS_KEY: AWS.secret_key,
      'file-0': has('aws_secret_access_key = secret-of-aws'),
    });
    const pod = parse(stdout) as { volumes: { name: string }[] };
    const reference = (key: string) => ({ name: key, valueFrom: { secretKeyRef: { name: NAME, key } } });
    expect(pod).toMatchObject({
      env: [reference('AWS_ACCESS_KEY_ID'), reference('AWS_SECRET_ACCESS_KEY')],
      volumeMounts: [
        {
          mountPath: '/root/.aws/credentials',
          subPath: 'credentials',
          readOnly: true,
          name: pod.volumes[0]?.name,
        },
      ],
      volumes: [
        {
          secret: {
            secretName: NAME,
            defaultMode: 0o400,
            items: [{ key: 'file-0', path: 'credentials', mode: 0o400 }],
          },
        },
      ],
    });
    // What a pod has of it is in the cluster: nothing is placed here.
    expect(Object.keys(await home.tree())).toEqual(['.kube', '.kube/config']);
  });

  it('stays when another one is there, unless it may be replaced, and is taken away again', async () => {
    await place();
    const other = JSON.stringify({ ...AWS, secret_key: 'another-secret' });
    const change = (...flags: string[]) => run(['place', 'aws', '--kubernetes', ...flags], { input: other });
    expect((await place()).stdout).toMatch(/^# .*: has it already\n# into the container\nenv:/);
    expect(await change()).toMatchObject({ code: 1, stdout: '', stderr: has('--overwrite replaces it') });
    expect(held()['AWS_SECRET_ACCESS_KEY']).toBe(AWS.secret_key);
    expect((await change('--overwrite')).stdout).toMatch(/^# .*: replaced\n/);
    expect(held()['AWS_SECRET_ACCESS_KEY']).toBe('another-secret');
    const remove = () => run(['place', 'aws', '--kubernetes', '--remove']);
    expect(await remove()).toMatchObject({ code: 0, stdout: `Secret ${NAME} in training: removed\n` });
    expect(await remove()).toMatchObject({ code: 0, stdout: `Secret ${NAME} in training: is not there\n` });
  });

  it('is never another’s object: that is neither replaced nor removed', async () => {
    const theirs = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: NAME },
      stringData: { A: 'theirs' },
    };
    cluster.secrets.create('training', theirs);
    const said = `lineclear: Secret ${NAME} in training was not made by lineclear: it is left alone\n`;
    expect(await place('--overwrite')).toMatchObject({ code: 1, stderr: said });
    expect(await place('--remove')).toMatchObject({ code: 1, stderr: said });
    expect(held()).toEqual({ A: 'theirs' });
  });

  it('goes where it is told: namespace, context, name, owner, home folder of the container', async () => {
    const elsewhere = await startFakeKubernetes();
    await home.put('.kube/config', elsewhere.kubeconfig());
    await home.put('two', cluster.kubeconfig().replaceAll('"fake"', '"two"'));
    const env = { KUBECONFIG: `${home.path}/.kube/config:${home.path}/two` };
    const flags = ['--context', 'two', '--namespace', 'training', '--name', 'Main key', '--owner', 'team-ml'];
    const args = ['place', 'aws', '--kubernetes', ...flags];
    const { code, stdout } = await run([...args, '--home', '/home/ml'], { input: JSON.stringify(AWS), env });
    await elsewhere.close();
    expect(code).toBe(0);
    expect(stdout).toContain('mountPath: /home/ml/.aws/credentials');
    expect(elsewhere.calls).toEqual([]);
    const [one] = cluster.secrets.list('training', 'lineclear.dev/owner=team-ml', undefined);
    expect(one?.metadata.annotations).toEqual({ 'lineclear.dev/name': 'Main key' });
    expect((await run([...args, '--remove'], { env })).stdout).toMatch(
      /^Secret lc-team-ml-main-key-\w+ in training: removed$/m,
    );
  });

  it('may be the one that tools on this machine have', async () => {
    await home.put('.cache/huggingface/token', 'hf_of-this-machine');
    const args = ['place', 'huggingface', '--kubernetes', '--from-machine'];
    const { stdout } = await run(args);
    expect(parse(stdout)).toEqual({
      env: [
        { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'lc-ada-huggingface', key: 'HF_TOKEN' } } },
      ],
    });
    expect(held('lc-ada-huggingface')).toEqual({ HF_TOKEN: 'hf_of-this-machine' });
    const none = await run(['place', 'aws', '--kubernetes', '--from-machine']);
    expect(none).toMatchObject({ code: 1, stderr: has('no credentials of Amazon') });
  });

  it('of SSH is each key at its own path, so that known_hosts stays', async () => {
    const private_key = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
    const input = JSON.stringify({ private_key, public_key: 'ssh-rsa AAAA ada@host\n' });
    const { stdout } = await run(['place', 'ssh', '--kubernetes'], { input });
    const { volumeMounts } = parse(stdout) as { volumeMounts: { mountPath: string; subPath: string }[] };
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual([
      '/root/.ssh/id_rsa',
      '/root/.ssh/id_rsa.pub',
    ]);
    expect(volumeMounts.every(({ subPath }) => subPath !== '')).toBe(true);
  });
});

describe('a cluster that does not do it', () => {
  it.each([
    ['does not know who asks', { status: 401 }, 1, 'expired or are wrong (401)'],
    ['forbids it', { status: 403 }, 4, 'who asks may not do that (403)'],
    ['has no such namespace', { status: 404 }, 4, '(404)'],
    ['is busy', { status: 429, retryAfterSeconds: 9 }, 1, 'again in 9 s (429)'],
    ['is broken', { status: 500, text: 'secret-of-aws' }, 1, '(500)'],
    ['does not answer', 'hang', 1, 'did not answer within 1 s'],
    ['cuts the connection', 'cut before', 1, 'cannot be reached (ECONNRESET)'],
  ] as const)('%s: one line says so', async (_, trouble, code, said) => {
    cluster.failNext('POST', 1, trouble);
    const env = trouble === 'hang' ? { LINECLEAR_TIMEOUT_SECONDS: '1' } : {};
    const args = ['place', 'aws', '--kubernetes'];
    const ran = await run(args, { input: JSON.stringify(AWS), env });
    expect(ran).toEqual({ code, stdout: '', stderr: expect.stringMatching(/^lineclear: [^\n]+\n$/) });
    expect(ran.stderr).toContain(said);
  });

  it('is told when it is not there at all', async () => {
    await home.put('.kube/config', 'token: "secret-text');
    const ran = await place();
    expect(ran).toMatchObject({ code: 1, stderr: has('.kube/config cannot be read as a kubeconfig') });
    expect(ran.stderr).not.toContain('secret-text');
  });
});

describe('an import of a Secret object', () => {
  let gateway: FakeGateway | undefined;
  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
  });
  const importing = async (...flags: string[]): Promise<Ran> => {
    gateway ??= await fakeGateway(({ method, body }) =>
      method === 'GET'
        ? [200, { secrets: [], total: 0 }]
        : [201, { name: (body as { name: string }).name, version: 1 }],
    );
    const env = { LINECLEAR_URL: gateway.url, LINECLEAR_API_KEY: 'lc_key' };
    return run(['secrets', 'import', '--kubernetes', 'existing', ...flags], { env });
  };
  const sent = (): unknown[] =>
    (gateway?.asked ?? []).filter(({ method }) => method === 'POST').map(({ body }) => body);

  it('sets each key by the name of the object, or behind a prefix, and refuses what is no text', async () => {
    const data = { HF_TOKEN: Buffer.from('hf_theirs').toString('base64'), 'a.json': 'e30K', bin: '//4=' };
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'existing' }, data };
    cluster.secrets.create('training', object);
    expect((await importing('--dry-run')).stdout).toMatch(/^existing\.HF_TOKEN +would be set/m);
    expect(sent()).toEqual([]);
    const { code, stdout } = await importing();
    expect({ code, stdout }).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^existing\.bin +refused +is no UTF-8 text$/m),
    });
    expect(sent()).toMatchObject([
      { name: 'existing.HF_TOKEN', value: 'hf_theirs', expected_version: 0 },
      { name: 'existing.a.json', value: '{}\n', expected_version: 0 },
    ]);
    await importing('--prefix', '');
    expect(sent()).toContainEqual(expect.objectContaining({ name: 'HF_TOKEN', value: 'hf_theirs' }));
    const none = await importing('--namespace', 'default');
    expect(none).toMatchObject({ code: 4, stderr: has('there is no Secret existing in default') });
  });
});

describe('a command line of these', () => {
  it.each([
    [['place', 'aws', '--namespace', 'x'], '--namespace is of --kubernetes'],
    [['place', 'aws', '--remove'], '--remove is of --kubernetes'],
    [['place', 'aws', '--kubernetes', '--remove', '--from-store'], 'one of them'],
    [['place', 'aws', '--kubernetes', '--home', 'ml'], '--home is the home folder in the container'],
    [['place', 'aws', '--kubernetes', '--name', ''], '--name and --owner take'],
    [['secrets', 'import'], 'a FILE, or --kubernetes NAME'],
    [['secrets', 'import', 'x', '--kubernetes', 'y'], 'a FILE, or --kubernetes NAME'],
    [['secrets', 'import', 'x', '--prefix', 'y'], '--prefix is of --kubernetes'],
    [['secrets', 'import', '--kubernetes', 'x', '--format', 'json'], '--format is of a FILE'],
    [['secrets', 'import', '--kubernetes', 'a/b'], 'takes the name of a Secret object'],
  ])('%j is wrong', async (args, said) => {
    const ran = await run(args, { input: JSON.stringify(AWS) });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: has(said) });
    expect(cluster.calls).toEqual([]);
  });

  it('says whose it is where the machine does not', async () => {
    const args = ['place', 'aws', '--kubernetes', '--remove'];
    const ran = await run(args, { env: { USER: undefined } });
    expect(ran).toMatchObject({ code: 2, stderr: has('--owner says whose it is') });
  });
});
