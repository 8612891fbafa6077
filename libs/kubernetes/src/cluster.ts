import type {
  Configuration,
  KubeConfig,
  RequestContext,
  SecurityAuthentication,
} from '@kubernetes/client-node';
import { KubernetesFailure } from './failure.js';
import { findCluster, type ClientNode, type WhichCluster } from './kubeconfig.js';
import { send } from './transport.js';

export interface ClusterOptions extends WhichCluster {
  /** Instead of the context's. */
  readonly namespace?: string | undefined;
  /** For how long each answer is waited for. What a kubeconfig has started to log in takes its own time. */
  readonly timeoutSeconds: number;
}

/** A cluster, with what makes the client's APIs for it. */
export interface Cluster {
  readonly client: ClientNode;
  readonly configuration: Configuration;
  readonly namespace: string;
}

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Finds the cluster; nothing is asked yet. @throws KubernetesFailure */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const client = await import('@kubernetes/client-node');
  const config = findCluster(client, options);
  const namespace =
    options.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  if (!NAMESPACE.test(namespace)) throw new KubernetesFailure('invalid', 'that is no name of a namespace');
  const configuration = client.createConfiguration({
    baseServer: new client.ServerConfiguration(config.getCurrentCluster()!.server.replace(/\/$/, ''), {}),
    authMethods: { default: withOwnErrors(config) },
    httpApi: client.wrapHttpLibrary({ send: (request) => send(client, request, options.timeoutSeconds) }),
  });
  return { client, configuration, namespace };
}

/** Its plugins throw what the programs that they start have said, which may be anything. */
const withOwnErrors = (config: KubeConfig): SecurityAuthentication => ({
  getName: () => config.getName(),
  applySecurityAuthentication: async (request: RequestContext) => {
    try {
      await config.applySecurityAuthentication(request);
    } catch (error) {
      const name = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      const user = config.getCurrentUser()?.name ?? '';
      throw new KubernetesFailure(
        'kubeconfig',
        `the credentials of ${user} in the kubeconfig cannot be had${name}`,
      );
    }
  },
});
