import { pathOfUse } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { ProviderFailure, type Submission } from './adapter.js';
import { containerOf } from './container.js';

type Config = ProviderConfigOf<'kubernetes'>;
type Json = Readonly<Record<string, unknown>>;

export const RUN_KEY_LABEL = 'lineclear.dev/run-key';
export const MANAGED = { label: 'app.kubernetes.io/managed-by', by: 'lineclear' } as const;
const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';
/** The container whose output and end are the run's. */
export const CONTAINER = 'job';

// Long enough for a job-poller that was away to see the end; its Secret goes with it.
const KEPT_SECONDS = 86_400;
// A pod's deadline begins before its image is pulled, ours when it runs. We stop it in time; this is for when we are away.
const START_ALLOWANCE_SECONDS = 900;
// ssh takes no key that others may read.
const OWNER_READS = 0o400;
const MAX_SECRET_BYTES = 1_048_576;

const labelsOf = (runKey: string): Record<string, string> => ({
  [MANAGED.label]: MANAGED.by,
  [RUN_KEY_LABEL]: runKey,
});

/** The Job of a run. Its name is our key, so that there can be only one. @throws ProviderFailure `refused` for hardware that is not in the configuration */
export function jobOf(submission: Submission, config: Config): Json {
  const { runKey, hardware, maxRuntimeSeconds } = submission;
  const machine = Object.hasOwn(config.machines, hardware) ? config.machines[hardware] : undefined;
  if (!machine)
    throw new ProviderFailure('refused', `hardware: ${hardware} is not among the provider's machines`);
  const { image, command, env, secretEnv } = containerOf(submission, config.image);
  const variables = { ...env, ...placesOf(submission, config.home) };
  for (const variable of Object.keys(secretEnv)) delete variables[variable];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: runKey,
      namespace: config.namespace,
      labels: {
        ...labelsOf(runKey),
        ...(config.queue === undefined ? {} : { [QUEUE_LABEL]: config.queue }),
      },
    },
    spec: {
      // Whether it is tried again is not the cluster's to say.
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels: labelsOf(runKey) },
        spec: {
          restartPolicy: 'Never',
          // Of the pod: that of the Job would count the wait for a node, too.
          ...(maxRuntimeSeconds === null
            ? {}
            : { activeDeadlineSeconds: maxRuntimeSeconds + START_ALLOWANCE_SECONDS }),
          ...(config.service_account === undefined
            ? { automountServiceAccountToken: false }
            : { serviceAccountName: config.service_account }),
          ...(machine.node_selector === undefined ? {} : { nodeSelector: machine.node_selector }),
          ...(machine.tolerations === undefined ? {} : { tolerations: machine.tolerations }),
          containers: [
            {
              name: CONTAINER,
              image,
              ...(command === undefined ? {} : { command: command.map(literal) }),
              resources: machine.resources,
              env: [
                ...Object.entries(variables).map(([name, value]) => ({ name, value: literal(value) })),
                ...Object.keys(secretEnv).map((name) => ({
                  name,
                  valueFrom: { secretKeyRef: { name: runKey, key: name } },
                })),
              ],
              ...(submission.files.length === 0 ? {} : { volumeMounts: mountsOf(submission, config.home) }),
            },
          ],
          ...(submission.files.length === 0 ? {} : { volumes: [volumeOf(submission)] }),
        },
      },
    },
  };
}

/** The Secret that a run's variables and files come from; undefined for a run without. It has the Job's name. @throws ProviderFailure `refused` when it is too large */
export function secretOf(submission: Submission, namespace: string): Json | undefined {
  const { runKey, env, files } = submission;
  if (env.size === 0 && files.length === 0) return undefined;
  const values = [
    ...[...env].map(([variable, { value }]) => [variable, value.reveal()] as const),
    ...files.map(({ value }, n) => [keyOfFile(n), value.reveal()] as const),
  ];
  const bytes = values.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (bytes > MAX_SECRET_BYTES)
    throw new ProviderFailure(
      'refused',
      `secrets: have ${bytes} bytes, more than the ${MAX_SECRET_BYTES} of a Secret`,
    );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: runKey, namespace, labels: labelsOf(runKey) },
    data: Object.fromEntries(
      values.map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
    ),
  };
}

/** Ties a Secret to its Job: it is removed with it. */
export const ownedBy = (name: string, uid: string): Json => ({
  metadata: { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid }] },
});

// A dollar sign in a command or a variable is its own escape: `$(NAME)` would be replaced by what another variable holds, a secret perhaps.
const literal = (value: string): string => value.replaceAll('$', () => '$$');

const VOLUME = 'secrets';
// Not the name of a variable: no secret in the environment can have it.
const keyOfFile = (n: number): string => `file-${n}`;

const placeOf = ({ name, file }: Submission['files'][number], home: string): string =>
  pathOfUse(name, file).replace(/^~/, () => home);

/** The variables that say where files are; those in the home folder are found by it. */
function placesOf({ files }: Submission, home: string): Record<string, string> {
  return {
    ...(files.some(({ file }) => file.startsWith('~/')) ? { HOME: home } : {}),
    ...Object.fromEntries(
      files.flatMap((file) => (file.variable === undefined ? [] : [[file.variable, placeOf(file, home)]])),
    ),
  };
}

const volumeOf = ({ runKey, files }: Submission): Json => ({
  name: VOLUME,
  secret: {
    secretName: runKey,
    defaultMode: OWNER_READS,
    items: files.map((_, n) => ({ key: keyOfFile(n), path: keyOfFile(n) })),
  },
});

/** One per file: a mount over a whole folder would hide what else is in it. */
const mountsOf = ({ files }: Submission, home: string): Json[] =>
  files.map((file, n) => ({
    name: VOLUME,
    mountPath: placeOf(file, home),
    subPath: keyOfFile(n),
    readOnly: true,
  }));
