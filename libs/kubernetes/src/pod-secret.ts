import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { BadCredential, Hidden, type Delivered } from '@lineclear/credentials';

/** Kubernetes takes no larger Secret (1 MiB, Secret v1). */
const MAX_DATA_BYTES = 1_048_576;
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** ssh takes no key that others may read, and Kubernetes mounts 0644 unless told otherwise. */
const OWNER_ONLY = 0o400;
const PREFIX = 'lineclear.dev';
const MANAGED_BY = 'app.kubernetes.io/managed-by';

export interface SecretObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly type: 'Opaque';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  /** Base64. */
  readonly data: Readonly<Record<string, string>>;
}

/** How a pod gets a credential: the object that holds it, and what its container says of it. */
export interface PodDelivery {
  readonly secret: Hidden<SecretObject>;
  readonly env: readonly {
    readonly name: string;
    readonly valueFrom: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret: {
      readonly secretName: string;
      readonly defaultMode: number;
      readonly items: readonly { readonly key: string; readonly path: string; readonly mode: number }[];
    };
  }[];
  /** One per file: a mount over a whole folder would hide what else is in it (known_hosts beside a key). */
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath: string;
    readonly readOnly: true;
  }[];
}

export interface PodOptions {
  /** The name of the secret, as people know it. */
  readonly name: string;
  readonly namespace: string;
  /** Whose it is, for the labels: `user-12`. */
  readonly owner: string;
  /** The format, where it has one. */
  readonly provider?: string;
}

/** A credential as a Kubernetes Secret and what mounts it: variables by reference, each file at its own path, for its owner alone. @throws BadCredential when it is too large */
export function forPod({ env, files }: Delivered, options: PodOptions): PodDelivery {
  const name = objectName(options.owner, options.name);
  const variables = Object.entries(env.reveal());
  const data: Record<string, string> = {};
  for (const [variable, value] of variables) data[variable] = base64(value);
  const items = files.map(({ path, mode, content }, n) => {
    const key = `file-${n}`;
    data[key] = base64(content.reveal());
    return { key, path: posix.basename(path), mode: mode & OWNER_ONLY };
  });
  const bytes = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
  if (bytes > MAX_DATA_BYTES)
    throw new BadCredential(options.name, `has ${bytes} bytes, more than the ${MAX_DATA_BYTES} of a Secret`);
  const volume = `secret-${hash(name)}`;
  return {
    secret: new Hidden({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name,
        namespace: options.namespace,
        labels: {
          [MANAGED_BY]: 'lineclear',
          [`${PREFIX}/secret`]: label(options.name),
          [`${PREFIX}/owner`]: label(options.owner),
          ...(options.provider === undefined ? {} : { [`${PREFIX}/provider`]: label(options.provider) }),
        },
        // Labels are cut and cleaned: here it stands as it is.
        annotations: { [`${PREFIX}/name`]: options.name },
      },
      data,
    }),
    env: variables.map(([variable]) => ({
      name: variable,
      valueFrom: { secretKeyRef: { name, key: variable } },
    })),
    volumes:
      files.length === 0
        ? []
        : [{ name: volume, secret: { secretName: name, defaultMode: OWNER_ONLY, items: unique(items) } }],
    volumeMounts: files.map(({ path }, n) => ({
      name: volume,
      mountPath: path,
      subPath: unique(items)[n]!.path,
      readOnly: true,
    })),
  };
}

/** Whether an object was made by us: no other is ever changed or removed. */
export const isOurs = (labels: Readonly<Record<string, string>>): boolean =>
  labels[MANAGED_BY] === 'lineclear';

/** What is to be done about an object of that name that may be there already. */
export type Write = 'create' | 'unchanged' | 'replace' | 'kept' | 'not ours';

/** Kubetorch's rule: the same values are left, others are replaced only when told to; and never what is not ours. */
export function writeOf(
  existing:
    { readonly data: SecretObject['data']; readonly labels: Readonly<Record<string, string>> } | undefined,
  wanted: SecretObject,
  { override }: { readonly override: boolean },
): Write {
  if (!existing) return 'create';
  if (!isOurs(existing.labels)) return 'not ours';
  const sorted = (data: SecretObject['data']): string =>
    JSON.stringify(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (sorted(existing.data) === sorted(wanted.data)) return 'unchanged';
  return override ? 'replace' : 'kept';
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 10);

/** How the object of a secret is called: a DNS-1123 name. What had to be changed gets a hash, so that two names never become one. */
export function objectName(owner: string, name: string): string {
  const plain = `lc-${owner}-${name}`;
  const clean = plain
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/[.-]{2,}/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '');
  if (clean === plain && clean.length <= MAX_NAME) return clean;
  const suffix = `-${hash(plain)}`;
  return `${clean.slice(0, MAX_NAME - suffix.length).replaceAll(/[.-]+$/g, '')}${suffix}`;
}

const label = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, MAX_LABEL)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');

/** Two files of one name (config of two tools) must not meet in the volume. */
function unique(
  items: readonly { readonly key: string; readonly path: string; readonly mode: number }[],
): { key: string; path: string; mode: number }[] {
  return items.map((item) => {
    const isTwice = items.some((other) => other !== item && other.path === item.path);
    return { ...item, path: isTwice ? `${item.key}-${item.path}` : item.path };
  });
}
