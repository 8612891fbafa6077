import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectOf, ownCluster, type OwnCluster } from './cluster.fixture.js';
import { openSecrets } from './secrets.js';

interface Config {
  readonly clusters: readonly { readonly name: string; readonly cluster: Record<string, unknown> }[];
  readonly users: readonly { readonly name: string; readonly user: object }[];
  readonly contexts: readonly object[];
  readonly [more: string]: unknown;
}

async function files({ home }: OwnCluster, all: Readonly<Record<string, object | string>>): Promise<string> {
  for (const [name, content] of Object.entries(all))
    await writeFile(join(home, name), typeof content === 'string' ? content : JSON.stringify(content));
  return Object.keys(all)
    .map((name) => join(home, name))
    .join(delimiter);
}
const configOf = ({ fake }: OwnCluster): Config => JSON.parse(fake.kubeconfig()) as Config;
const openAt = (
  { home }: OwnCluster,
  env: Readonly<Record<string, string>>,
  more: { readonly context?: string; readonly namespace?: string; readonly serviceAccount?: string } = {},
) => openSecrets({ env, home, timeoutSeconds: 10, ...more });

describe('the cluster that is asked', () => {
  it('is the one of ~/.kube/config, in the namespace of its context or the one that is named', async () => {
    const own = await ownCluster();
    await mkdir(join(own.home, '.kube'));
    await writeFile(join(own.home, '.kube/config'), own.fake.kubeconfig({ namespace: 'training' }));
    await (await openAt(own, {})).create(objectOf('a', {}));
    expect(own.fake.secrets.get('training', 'a')).toBeDefined();
    expect((await openAt(own, {}, { namespace: 'default' })).namespace).toBe('default');
    await expect(openAt(own, {}, { namespace: 'a/b' })).rejects.toThrow('no name of a namespace');
  });

  it('is the first of its name in the files of KUBECONFIG, as for kubectl, and those that are not there are passed over', async () => {
    const own = await ownCluster();
    const { clusters, users, contexts } = configOf(own);
    const nowhere = [{ name: 'fake', cluster: { server: 'https://127.0.0.1:1' } }];
    const paths = await files(own, {
      one: { clusters, contexts: [] },
      two: { clusters: nowhere, users, 'current-context': 'fake' },
      three: { contexts, 'current-context': 'another' },
    });
    const env = { KUBECONFIG: [join(own.home, 'none'), '', paths].join(delimiter) };
    expect(await (await openAt(own, env)).get('a')).toBeUndefined();
  });

  it('is the one of the context that is named', async () => {
    const own = await ownCluster();
    const config = configOf(own);
    const away = { name: 'away', context: { cluster: 'away', user: 'fake' } };
    const KUBECONFIG = await files(own, {
      all: {
        ...config,
        clusters: [...config.clusters, { name: 'away', cluster: { server: 'https://127.0.0.1:1' } }],
        contexts: [...config.contexts, away],
        'current-context': 'away',
      },
    });
    await expect((await openAt(own, { KUBECONFIG })).get('a')).rejects.toThrow('https://127.0.0.1:1');
    expect(await (await openAt(own, { KUBECONFIG }, { context: 'fake' })).get('a')).toBeUndefined();
  });

  it('is the one that a pod runs in, where there is no kubeconfig', async () => {
    const own = await ownCluster();
    const { clusters } = configOf(own);
    const ca = String(clusters[0]!.cluster['certificate-authority-data']);
    await files(own, {
      token: own.fake.token,
      'ca.crt': Buffer.from(ca, 'base64').toString(),
      namespace: 'training\n',
    });
    const { port } = new URL(own.fake.url);
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port };
    const secrets = await openAt(own, env, { serviceAccount: own.home });
    await secrets.create(objectOf('a', {}));
    expect(own.fake.secrets.get('training', 'a')).toBeDefined();
  });

  it('is logged in to by the program that the kubeconfig names', async () => {
    const own = await ownCluster();
    const status = { token: own.fake.token };
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
    const exec = { apiVersion: credential.apiVersion, command: process.execPath, interactiveMode: 'Never' };
    const args = ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`];
    const user = { name: 'fake', user: { exec: { ...exec, args } } };
    const KUBECONFIG = await files(own, { config: { ...configOf(own), users: [user] } });
    expect(await (await openAt(own, { KUBECONFIG })).get('a')).toBeUndefined();
    const broken = { name: 'fake', user: { exec: { ...exec, args: ['-e', 'throw "secret-text"'] } } };
    await files(own, { config: { ...configOf(own), users: [broken] } });
    await expect((await openAt(own, { KUBECONFIG })).get('a')).rejects.toThrow(
      /^the credentials of fake in the kubeconfig cannot be had$/,
    );
  });
});

describe('a kubeconfig', () => {
  const cases: readonly [string, (config: Config) => object | string, RegExp][] = [
    ['of no YAML', () => 'token: "secret-text', /config cannot be read as a kubeconfig$/],
    ['of nothing', () => '', /config cannot be read as a kubeconfig$/],
    ['without a current context', ({ clusters }) => ({ clusters }), /has no current context/],
    ['without its cluster', (config) => ({ ...config, clusters: [] }), /no context fake with a cluster/],
    ['without its user', (config) => ({ ...config, users: [] }), /no context fake with a cluster and a user/],
    [
      'over plain HTTP',
      (config) => ({ ...config, clusters: [{ name: 'fake', cluster: { server: 'http://127.0.0.1:1' } }] }),
      /not asked over https/,
    ],
  ];
  it.each(cases)('%s is told, without what is in it', async (_, change, said) => {
    const own = await ownCluster();
    const KUBECONFIG = await files(own, { config: change(configOf(own)) });
    await expect(openAt(own, { KUBECONFIG })).rejects.toThrow(said);
    await expect(openAt(own, { KUBECONFIG })).rejects.not.toThrow('secret-text');
  });

  it('that is not there is told', async () => {
    const own = await ownCluster();
    await expect(openAt(own, {})).rejects.toThrow('there is no kubeconfig');
    await expect(openAt(own, { KUBECONFIG: '/none' })).rejects.toThrow('there is no kubeconfig');
  });

  it('that trusts another authority speaks to nobody', async () => {
    const own = await ownCluster();
    const { clusters, ...config } = configOf(own);
    const { 'certificate-authority-data': _, ...cluster } = clusters[0]!.cluster;
    const KUBECONFIG = await files(own, { config: { ...config, clusters: [{ name: 'fake', cluster }] } });
    await expect((await openAt(own, { KUBECONFIG })).get('a')).rejects.toThrow(/cannot be reached \(\w+\)/);
    expect(own.fake.calls).toEqual([]);
  });
});
