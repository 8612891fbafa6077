import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubernetesFailure } from './failure.js';

/** The client is large (60 packages, half a second): it is read when a cluster is asked, not when we start. */
export type ClientNode = typeof import('@kubernetes/client-node');

export interface WhichCluster {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder, which has `.kube/config`. */
  readonly home: string;
  /** Instead of the current context. */
  readonly context?: string | undefined;
  /** Where a pod finds who it is; another one in tests. */
  readonly serviceAccount?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster that kubectl would ask: the files of KUBECONFIG, else ~/.kube/config, else the one we run in. @throws KubernetesFailure */
export function findCluster(client: ClientNode, which: WhichCluster): KubeConfig {
  const { env, home, context } = which;
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  // Those of the list that are not there are passed over, as kubectl does.
  const files = (named.length > 0 ? named : [join(home, '.kube', 'config')]).filter((path) =>
    existsSync(path),
  );
  if (files.length === 0) return inCluster(client, which, named);
  const config = new client.KubeConfig();
  config.loadFromOptions(merged(files.map((path) => read(client, path))));
  if (context !== undefined) config.setCurrentContext(context);
  check(config);
  return config;
}

function read(client: ClientNode, path: string): KubeConfig {
  const config = new client.KubeConfig();
  try {
    config.loadFromFile(path);
  } catch {
    // The parser's message quotes lines, which may be a token's.
    throw new KubernetesFailure('kubeconfig', `${path} cannot be read as a kubeconfig`);
  }
  return config;
}

/** As kubectl merges: of each name the first one counts, and the first current context. */
function merged(configs: readonly KubeConfig[]) {
  const first = <T extends { readonly name: string }>(all: readonly T[]): T[] => [
    ...new Map(all.toReversed().map((one) => [one.name, one])).values(),
  ];
  return {
    clusters: first(configs.flatMap((config) => config.getClusters())),
    users: first(configs.flatMap((config) => config.getUsers())),
    contexts: first(configs.flatMap((config) => config.getContexts())),
    currentContext: configs.map((config) => config.getCurrentContext()).find(Boolean) ?? '',
  };
}

function check(config: KubeConfig): void {
  const name = config.getCurrentContext();
  if (!name) throw new KubernetesFailure('kubeconfig', 'the kubeconfig has no current context: name one');
  const cluster = config.getCurrentCluster();
  if (!config.getContextObject(name) || !cluster || !config.getCurrentUser())
    throw new KubernetesFailure(
      'kubeconfig',
      `the kubeconfig has no context ${name} with a cluster and a user`,
    );
  if (!URL.canParse(cluster.server) || (!cluster.server.startsWith('https://') && !cluster.skipTLSVerify))
    throw new KubernetesFailure('kubeconfig', `the cluster of context ${name} is not asked over https`);
}

function inCluster(
  client: ClientNode,
  { env, context, serviceAccount = SERVICE_ACCOUNT }: WhichCluster,
  named: readonly string[],
): KubeConfig {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const tokenFile = join(serviceAccount, 'token');
  if (named.length > 0 || context !== undefined || !host || !existsSync(tokenFile))
    throw new KubernetesFailure('kubeconfig', 'there is no kubeconfig: ~/.kube/config, or KUBECONFIG');
  const config = new client.KubeConfig();
  const namespaceFile = join(serviceAccount, 'namespace');
  const namespace = existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : 'default';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  config.loadFromOptions({
    clusters: [{ name: 'in-cluster', server, caFile: join(serviceAccount, 'ca.crt'), skipTLSVerify: false }],
    users: [{ name: 'in-cluster', authProvider: { name: 'tokenFile', config: { tokenFile } } }],
    contexts: [{ name: 'in-cluster', cluster: 'in-cluster', user: 'in-cluster', namespace }],
    currentContext: 'in-cluster',
  });
  return config;
}
