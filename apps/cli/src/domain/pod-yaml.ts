import type { PodDelivery } from '@lineclear/kubernetes';
import { stringify } from 'yaml';

/** What is to be written into a pod so that it gets a credential, as YAML. */
export function podYaml({ env, volumes, volumeMounts }: Omit<PodDelivery, 'secret'>): string {
  const container = {
    ...(env.length > 0 ? { env } : {}),
    ...(volumeMounts.length > 0 ? { volumeMounts } : {}),
  };
  const inPod = volumes.length === 0 ? '' : `# into the spec of the pod\n${text({ volumes })}`;
  return `# into the container\n${text(container)}${inPod}`;
}

// No anchors where the same thing stands twice: people copy from it.
const text = (value: object): string => stringify(value, { aliasDuplicateObjects: false });
