import type { V1Secret } from '@kubernetes/client-node';
import { Hidden } from '@lineclear/credentials';
import { z } from 'zod';
import { openCluster, type ClusterOptions } from './cluster.js';
import { KubernetesFailure } from './failure.js';
import type { SecretObject } from './pod-secret.js';

/** A Secret object as it was read. */
export interface ReadSecret {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: Hidden<Readonly<Record<string, string>>>;
  /** As the cluster knows it: whoever replaces or removes it says which one is meant. */
  readonly object: Hidden<V1Secret>;
}

/** The Secret objects of one namespace. All throw KubernetesFailure. */
export interface KubernetesSecrets {
  readonly namespace: string;
  /** Undefined where there is none. */
  readonly get: (name: string) => Promise<ReadSecret | undefined>;
  /** All that have these labels. */
  readonly list: (labels: Readonly<Record<string, string>>) => Promise<ReadSecret[]>;
  readonly create: (object: SecretObject) => Promise<void>;
  /** Gives the one that was read the new content. What others wrote beside it stays. Conflicts where it was changed or removed since. */
  readonly replace: (read: ReadSecret, object: SecretObject) => Promise<void>;
  /** Removes the one that was read. Conflicts where it was changed or removed since. */
  readonly delete: (read: ReadSecret) => Promise<void>;
}

const PAGE = 100;
const MAX_PAGES = 100;
const texts = z.record(z.string(), z.string());
const secret = z.object({
  metadata: z.object({
    name: z.string().min(1),
    uid: z.string().min(1),
    resourceVersion: z.string().min(1),
    labels: texts.optional(),
  }),
  data: texts.optional(),
});

export async function openSecrets(options: ClusterOptions): Promise<KubernetesSecrets> {
  const { client, configuration, namespace } = await openCluster(options);
  const api = new client.CoreV1Api(configuration);
  return {
    namespace,
    async get(name) {
      try {
        return readSecret(await api.readNamespacedSecret({ namespace, name }));
      } catch (error) {
        if (error instanceof KubernetesFailure && error.kind === 'not found') return undefined;
        throw error;
      }
    },
    async list(labels) {
      const labelSelector = Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
      const all: ReadSecret[] = [];
      let next: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const asked = { namespace, labelSelector, limit: PAGE, ...(next ? { _continue: next } : {}) };
        const { items, metadata } = await api.listNamespacedSecret(asked);
        all.push(...items.map(readSecret));
        next = metadata?._continue;
        if (!next) return all;
      }
      throw new KubernetesFailure(
        'unavailable',
        `there are more than ${MAX_PAGES * PAGE} secrets in ${namespace}`,
      );
    },
    async create(object) {
      await api.createNamespacedSecret({ namespace, body: bodyOf(object) });
    },
    async replace({ name, object }, wanted) {
      const held = object.reveal();
      const metadata = Object.assign(new client.V1ObjectMeta(), held.metadata, {
        labels: { ...held.metadata?.labels, ...wanted.metadata.labels },
        annotations: { ...held.metadata?.annotations, ...wanted.metadata.annotations },
      });
      const body = Object.assign(new client.V1Secret(), held, { metadata, data: wanted.data });
      await ofTheRead(api.replaceNamespacedSecret({ namespace, name, body }));
    },
    async delete({ name, object }) {
      const { uid, resourceVersion } = object.reveal().metadata ?? {};
      const preconditions = { uid: uid!, resourceVersion: resourceVersion! };
      await ofTheRead(api.deleteNamespacedSecret({ namespace, name, body: { preconditions } }));
    },
  };
}

/** Something that was read and is not there any more has changed. */
async function ofTheRead(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof KubernetesFailure) || error.kind !== 'not found') throw error;
    throw new KubernetesFailure('conflict', error.message);
  }
}

function readSecret(object: V1Secret): ReadSecret {
  const { data: read } = secret.safeParse(object);
  if (!read)
    throw new KubernetesFailure('unavailable', 'the cluster answers with something else than a Secret');
  const { metadata, data = {} } = read;
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    data: new Hidden(data),
    object: new Hidden(object),
  };
}

const bodyOf = ({ metadata, ...rest }: SecretObject): V1Secret => ({
  ...rest,
  metadata: { ...metadata, labels: { ...metadata.labels }, annotations: { ...metadata.annotations } },
});
