import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, defaultImage } from './common.js';

const dnsLabel = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is not a name that Kubernetes takes');
const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/, 'is not a name that Kubernetes takes');
/** `nvidia.com/gpu: 1`, `memory: 64Gi`. */
const quantities = z.record(
  z.string().min(1).max(253),
  z.union([z.string().min(1).max(60), z.number().min(0)]),
);

/** Where a kind of machine is found in the cluster, in the words of a pod. */
const machine = z.strictObject({
  resources: z.strictObject({ requests: quantities.optional(), limits: quantities.optional() }).default({}),
  node_selector: z.record(z.string().min(1).max(317), z.string().max(63)).optional(),
  tolerations: z
    .array(
      z.strictObject({
        key: z.string().max(317).optional(),
        operator: z.enum(['Equal', 'Exists']).optional(),
        value: z.string().max(63).optional(),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
      }),
    )
    .max(50)
    .optional(),
});

/** Jobs of one namespace of a Kubernetes cluster (docs/providers.md). */
export const kubernetesProvider = z.strictObject({
  type: z.literal('kubernetes'),
  ...common,
  /** Of the API server. */
  base_url: baseUrl,
  namespace: dnsLabel,
  /** The name of the secret that is the token of a service account. */
  secret: fields.secretName,
  /** Who the API server must be, in PEM, where no public authority vouches for it. */
  ca: z.string().includes('-----BEGIN CERTIFICATE-----').max(100_000).optional(),
  /** The local queue of Kueue that jobs wait in. */
  queue: dnsLabel.optional(),
  /** Whom jobs may speak to the cluster as; without it, as nobody. */
  service_account: dnsName.optional(),
  /** Where files such as `~/.ssh/id_ed25519` are put. */
  home: z
    .string()
    .max(200)
    .regex(/^(\/[\w.-]+)+$/, 'is not an absolute path')
    .default('/root'),
  image: defaultImage,
  machines: z.record(fields.hardware, machine).default({}),
});
