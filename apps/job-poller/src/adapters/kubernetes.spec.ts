import { jobConfigs } from '@lineclear/contracts';
import { givesFiles, parseConfig, Secret, secretOfProvider } from '@lineclear/kit';
import { startFakeKubernetes } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adapterContract, failureIn, lookAt, submissionTo } from './adapter-contract.fixture.js';
import { adapterAt, decoded, openKubernetes, type KubernetesWorld } from './kubernetes.fixture.js';

adapterContract('kubernetes', { lists: true, logs: true, words: true, credential: true }, openKubernetes);

describe('kubernetes', () => {
  let world: KubernetesWorld;
  beforeAll(async () => {
    world = await openKubernetes();
  });
  afterAll(() => world.close());
  beforeEach(() => world.clear());

  const submit: KubernetesWorld['submitOne'] = (more, adapter) => world.submitOne(more, adapter);
  const withSecret = { env: new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('hush') }]]) };
  const podSpec = (id: string): Record<string, unknown> => {
    const { spec } = world.fake.jobs.get(id) as unknown as {
      spec: { template: { spec: Record<string, unknown> } };
    };
    return spec.template.spec;
  };

  describe('the Job', () => {
    it('is one pod that is tried once, with what the machine needs', async () => {
      const id = await submit({ maxRuntimeSeconds: 3_600, jobId: 'job_1' });
      expect(world.fake.jobs.get(id)).toMatchObject({
        metadata: {
          name: id,
          labels: { 'lineclear.dev/run-key': id, 'app.kubernetes.io/managed-by': 'lineclear' },
        },
        spec: { backoffLimit: 0, ttlSecondsAfterFinished: 86_400 },
      });
      expect(podSpec(id)).toEqual({
        restartPolicy: 'Never',
        activeDeadlineSeconds: 4_500,
        automountServiceAccountToken: false,
        nodeSelector: { 'example.test/gpu': 'a100' },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        containers: [
          {
            name: 'job',
            image: 'trainer:2',
            command: ['train', '--epochs', '3'],
            resources: { limits: { 'nvidia.com/gpu': 1 }, requests: { memory: '64Gi' } },
            env: [
              { name: 'LINECLEAR_RUN_KEY', value: id },
              { name: 'LINECLEAR_JOB_ID', value: 'job_1' },
              { name: 'LINECLEAR_ATTEMPT', value: '1' },
              { name: 'LINECLEAR_CONFIG', value: JSON.stringify(world.config) },
            ],
          },
        ],
      });
      expect(world.fake.secrets.size).toBe(0);
    });

    it('has no deadline where the job has none', async () => {
      expect(podSpec(await submit({ maxRuntimeSeconds: null }))).not.toHaveProperty('activeDeadlineSeconds');
    });

    it('waits in the queue, acts as the account and runs the image that the configuration names', async () => {
      const adapter = adapterAt(world.fake.url, {
        queue: 'gpus',
        service_account: 'trainer',
        image: 'house:1',
      });
      const id = await submit({ config: {} }, adapter);
      expect(world.fake.jobs.get(id)?.metadata.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'gpus' });
      expect(podSpec(id)).toMatchObject({
        serviceAccountName: 'trainer',
        containers: [{ image: 'house:1' }],
      });
      expect(podSpec(id)).not.toHaveProperty('automountServiceAccountToken');
    });

    it('keeps the cluster from putting variables into commands and texts', async () => {
      const id = await submit({
        config: { image: 'a', command: ['echo', '$(HF_TOKEN) $$ $x'], env: { TEXT: '$(HF_TOKEN)' } },
        ...withSecret,
      });
      expect(podSpec(id)).toMatchObject({
        containers: [
          {
            command: ['echo', '$$(HF_TOKEN) $$$$ $$x'],
            env: [{ name: 'TEXT', value: '$$(HF_TOKEN)' }, {}, {}, {}, {}, {}],
          },
        ],
      });
    });

    it.each([
      [{ hardware: 'tpu' }, 'hardware: tpu is not among'],
      [{ hardware: 'constructor' }, 'hardware: constructor is not among'],
      [{ config: {} }, 'config.image'],
    ])('is refused with %j', async (more, message) => {
      const failure = await failureIn(submit(more));
      expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) as string });
      expect(world.fake.jobs.size).toBe(0);
    });

    it('is checked when it is submitted already', () => {
      expect(jobConfigs['kubernetes']?.safeParse({ command: 'train' }).success).toBe(false);
    });
  });

  describe('its Secret', () => {
    const files = [
      { name: 'ssh', value: new Secret('key'), file: '~/.ssh/id_ed25519', variable: undefined },
      { name: 'tls', value: new Secret('pem'), file: 'key.pem', variable: 'TLS_KEY' },
    ];

    it('has the values, belongs to the Job and goes with it', async () => {
      const id = await submit({ ...withSecret, files });
      expect(decoded(world.fake.secrets.get(id))).toEqual({
        HF_TOKEN: 'hush',
        'file-0': 'key',
        'file-1': 'pem',
      });
      expect(world.fake.secrets.get(id)?.metadata.ownerReferences).toEqual([
        { apiVersion: 'batch/v1', kind: 'Job', name: id, uid: world.fake.jobs.get(id)?.metadata.uid },
      ]);
      expect(JSON.stringify(world.fake.jobs.get(id))).not.toMatch(/hush|a2V5|cGVt/);
      await world.adapter.cancel(id, world.credential);
      expect(world.fake.secrets.size).toBe(0);
    });

    it.each([
      [undefined, '/root'],
      ['/home/me', '/home/me'],
    ])('is mounted file by file, below the home %s', async (home, at) => {
      const adapter = adapterAt(world.fake.url, { home });
      const id = await submit({ config: { image: 'a', env: { HOME: '/x' } }, files }, adapter);
      expect(podSpec(id)).toMatchObject({
        volumes: [
          {
            name: 'secrets',
            secret: {
              secretName: id,
              defaultMode: 0o400,
              items: [
                { key: 'file-0', path: 'file-0' },
                { key: 'file-1', path: 'file-1' },
              ],
            },
          },
        ],
        containers: [
          {
            volumeMounts: [
              { name: 'secrets', mountPath: `${at}/.ssh/id_ed25519`, subPath: 'file-0', readOnly: true },
              { name: 'secrets', mountPath: '/secrets/tls/key.pem', subPath: 'file-1', readOnly: true },
            ],
            env: expect.arrayContaining([
              { name: 'HOME', value: at },
              { name: 'TLS_KEY', value: '/secrets/tls/key.pem' },
            ]) as unknown,
          },
        ],
      });
    });

    it("takes the place of the job's own variable of that name", async () => {
      const id = await submit({ config: { image: 'a', env: { HF_TOKEN: 'mine' } }, ...withSecret });
      const [{ env }] = podSpec(id)['containers'] as [{ env: { name: string }[] }];
      expect(env.filter(({ name }) => name === 'HF_TOKEN')).toEqual([
        { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: id, key: 'HF_TOKEN' } } },
      ]);
    });

    it('is not left behind by a Job that the cluster refuses', async () => {
      world.failNext('submit', { status: 422, body: { message: 'no' } });
      expect((await failureIn(submit(withSecret))).kind).toBe('refused');
      expect(world.fake.secrets.size).toBe(0);
    });

    it('that an earlier try left is replaced', async () => {
      const submission = submissionTo(world, withSecret);
      world.failNext('submit', 'break before');
      await failureIn(world.adapter.submit(submission, world.credential));
      const env = new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('newer') }]]);
      await world.adapter.submit({ ...submission, env }, world.credential);
      expect(decoded(world.fake.secrets.get(submission.runKey))).toEqual({ HF_TOKEN: 'newer' });
    });

    it('is given to the Job by whoever finds it', async () => {
      const submission = submissionTo(world, withSecret);
      world.fake.failNext('patchSecret', { status: 500 });
      expect((await failureIn(world.adapter.submit(submission, world.credential))).kind).toBe('unknown');
      expect(world.fake.secrets.get(submission.runKey)?.metadata.ownerReferences).toBeUndefined();
      await world.adapter.find(submission.runKey, world.credential);
      expect(world.fake.secrets.get(submission.runKey)?.metadata.ownerReferences).toHaveLength(1);
    });

    it('is removed by whoever finds that there is no Job', async () => {
      const submission = submissionTo(world, withSecret);
      world.failNext('submit', 'break before');
      await failureIn(world.adapter.submit(submission, world.credential));
      expect(world.fake.secrets.size).toBe(1);
      expect(await world.adapter.find(submission.runKey, world.credential)).toBeNull();
      expect(world.fake.secrets.size).toBe(0);
    });

    it('is left while the Job may still arrive, and given to it then', async () => {
      const submission = submissionTo(world, withSecret);
      world.failNext('submit', 'break before');
      await failureIn(world.adapter.submit(submission, world.credential));
      const find = () => world.adapter.find(submission.runKey, world.credential, new Date(), true);
      expect(await find()).toBeNull();
      // The same request, late: without its Secret.
      await world.adapter.submit({ ...submission, env: new Map() }, world.credential);
      expect(await find()).toEqual({ externalId: submission.runKey });
      expect(world.fake.secrets.get(submission.runKey)?.metadata.ownerReferences).toHaveLength(1);
    });

    it('is no matter for a cluster whose token may not touch Secrets', async () => {
      world.fake.failNext('deleteSecret', { status: 403 });
      expect(await world.adapter.find('lc-1-a1', world.credential)).toBeNull();
      const id = await submit();
      world.fake.failNext('patchSecret', { status: 403 });
      expect(await world.adapter.find(id, world.credential)).toEqual({ externalId: id });
    });

    it('takes a mebibyte, and not more', async () => {
      const env = new Map([['BIG', { name: 'big', value: new Secret('x'.repeat(1_048_577)) }]]);
      expect((await failureIn(submit({ env }))).message).toContain('more than the 1048576');
      expect(world.fake.secrets.size).toBe(0);
    });
  });

  it('makes no second Job of a name', async () => {
    const submission = submissionTo(world);
    await world.adapter.submit(submission, world.credential);
    expect((await failureIn(world.adapter.submit(submission, world.credential))).kind).toBe('exists');
    expect(world.fake.jobs.size).toBe(1);
  });

  it.each([
    ['jobs.batch "x" is forbidden: exceeded quota: compute', 'busy'],
    ['jobs.batch is forbidden: User cannot create', 'denied'],
  ])('takes "%s" for %s', async (message, kind) => {
    world.failNext('submit', { status: 403, body: { message } });
    expect((await failureIn(submit())).kind).toBe(kind);
  });

  it('asks for a Job to be gone only after its pods', async () => {
    const id = await submit();
    await world.adapter.cancel(id, world.credential);
    expect(await lookAt(world, id)).toBeUndefined();
    expect(world.fake.pods.size).toBe(0);
  });

  it('knows a cluster by the authority that the configuration names', async () => {
    const cluster = await startFakeKubernetes();
    const { clusters } = JSON.parse(cluster.kubeconfig()) as {
      clusters: [{ cluster: { 'certificate-authority-data': string } }];
    };
    const ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64').toString();
    const [known, stranger] = [adapterAt(cluster.url, { ca }), adapterAt(cluster.url)];
    const credential = new Secret(cluster.token);
    expect(await known.find('lc-1-a1', credential)).toBeNull();
    expect((await failureIn(stranger.find('lc-1-a1', credential))).message).toContain('certificate');
    await Promise.all([known.close(), stranger.close(), cluster.close()]);
  });

  it.each([
    [{ namespace: 'Not_a_name' }, 'namespace'],
    [{ ca: 'not PEM' }, 'ca'],
    [{ home: 'root' }, 'home'],
    [{ queue: 'a b' }, 'queue'],
    [{ machines: { a: { gpu: 1 } } }, 'machines'],
    [{ secret: undefined }, 'secret'],
  ])('is not configured with %j', (more, field) => {
    expect(() => adapterAt('http://127.0.0.1', more)).toThrow(field);
  });

  it('needs its token, and gives files', () => {
    const { providers } = parseConfig(
      JSON.stringify({
        providers: {
          k: { type: 'kubernetes', base_url: 'https://k.test', namespace: 'n', secret: 'KUBE_TOKEN' },
        },
      }),
      {},
      'it',
    );
    expect([secretOfProvider(providers['k']!), givesFiles(providers['k']!)]).toEqual(['KUBE_TOKEN', true]);
  });
});
