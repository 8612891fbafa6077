import { openSecrets, type KubernetesSecrets } from '@lineclear/kubernetes';
import { wrongUsage } from './domain/cli-error.js';
import { timeoutSecondsOf } from './timeout.js';
import { homeOf, type World } from './world.js';

/** What the commands take that ask a Kubernetes cluster. */
export const CLUSTER_OPTIONS = { namespace: { type: 'string' }, context: { type: 'string' } } as const;
export const CLUSTER_USAGE = '[--namespace NS] [--context NAME]';

interface Given {
  readonly namespace?: string | undefined;
  readonly context?: string | undefined;
}

/** The Secret objects of the cluster that kubectl would ask. @throws KubernetesFailure */
export const clusterSecrets = (world: World, { namespace, context }: Given): Promise<KubernetesSecrets> =>
  openSecrets({
    env: world.env,
    home: homeOf(world),
    namespace,
    context,
    timeoutSeconds: timeoutSecondsOf(world),
  });

/** Options that say nothing without another one. @throws CliError */
export function onlyWith(
  option: string,
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
): void {
  const alone = names.find((name) => given[name] !== undefined);
  if (alone !== undefined) throw wrongUsage(`--${alone} is of ${option}`);
}
