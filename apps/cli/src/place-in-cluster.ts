import { deliver, type CredentialFormat, type Values } from '@lineclear/credentials';
import { forPod, objectName, removeSecret, saveSecret } from '@lineclear/kubernetes';
import { CLUSTER_OPTIONS, clusterSecrets } from './cluster.js';
import { CliError, wrongUsage } from './domain/cli-error.js';
import { podYaml } from './domain/pod-yaml.js';
import { say, type World } from './world.js';

/** What places a credential in a cluster instead of in files. */
export const IN_CLUSTER_OPTIONS = {
  ...CLUSTER_OPTIONS,
  name: { type: 'string' },
  owner: { type: 'string' },
  remove: { type: 'boolean' },
  'from-machine': { type: 'boolean' },
} as const;

interface Given {
  readonly profile?: string | undefined;
  readonly overwrite?: boolean | undefined;
  readonly home?: string | undefined;
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  readonly namespace?: string | undefined;
  readonly context?: string | undefined;
}

const MAX_CHARACTERS = 253;
/** Of root, whom containers run as unless they say otherwise. */
const POD_HOME = '/root';
const SAID = { create: 'made', unchanged: 'has it already', replace: 'replaced' } as const;

/** Writes a credential as a Secret object, and prints what a pod says to get it. @throws CliError, KubernetesFailure */
export async function placeInCluster(
  format: CredentialFormat,
  values: Values,
  given: Given,
  world: World,
): Promise<void> {
  const { profile, overwrite: override = false, home = POD_HOME } = given;
  if (!home.startsWith('/')) throw wrongUsage('--home is the home folder in the container: /root');
  const delivered = deliver(format, values, { home, ...(profile === undefined ? {} : { profile }) });
  const secrets = await clusterSecrets(world, given);
  const { namespace } = secrets;
  const pod = forPod(delivered, { ...whose(format, given, world), namespace, provider: format.name });
  const object = pod.secret.reveal();
  const what = `Secret ${object.metadata.name} in ${namespace}`;
  const write = await saveSecret(secrets, object, { override });
  if (write === 'kept') throw new CliError(`${what} holds something else; --overwrite replaces it`);
  if (write === 'not ours') throw notOurs(what);
  say(world, `# ${what}: ${SAID[write]}`);
  world.stdout.write(podYaml(pod));
}

/** Takes the object away again. @throws CliError, KubernetesFailure */
export async function removeFromCluster(format: CredentialFormat, given: Given, world: World): Promise<void> {
  const { owner, name } = whose(format, given, world);
  const secrets = await clusterSecrets(world, given);
  const object = objectName(owner, name);
  const what = `Secret ${object} in ${secrets.namespace}`;
  const removal = await removeSecret(secrets, object);
  if (removal === 'not ours') throw notOurs(what);
  say(world, `${what}: ${removal === 'gone' ? 'is not there' : 'removed'}`);
}

const notOurs = (what: string): CliError =>
  new CliError(`${what} was not made by lineclear: it is left alone`);

/** Whose it is and what it is called, which together are the name of the object. @throws CliError */
function whose(
  format: CredentialFormat,
  { profile, name = profile === undefined ? format.name : `${format.name}-${profile}`, owner }: Given,
  { env }: World,
): { readonly owner: string; readonly name: string } {
  const who = owner ?? (env['USER'] || env['LOGNAME']);
  if (!who) throw wrongUsage('$USER is not set: --owner says whose it is');
  if ([name, who].some((text) => text === '' || text.length > MAX_CHARACTERS))
    throw wrongUsage(`--name and --owner take 1 to ${MAX_CHARACTERS} characters`);
  return { owner: who, name };
}
