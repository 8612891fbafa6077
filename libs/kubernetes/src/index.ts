export type { ClusterOptions } from './cluster.js';
export { KubernetesFailure, type FailureKind } from './failure.js';
export {
  forPod,
  objectName,
  type PodDelivery,
  type PodOptions,
  type SecretObject,
  type Write,
} from './pod-secret.js';
export { removeSecret, saveSecret, type Removal } from './save-secret.js';
export { openSecrets, type KubernetesSecrets, type ReadSecret } from './secrets.js';
