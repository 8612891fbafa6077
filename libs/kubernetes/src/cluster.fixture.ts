import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFakeKubernetes, type FakeKubernetes } from '@lineclear/testkit';
import { onTestFinished } from 'vitest';
import type { SecretObject } from './pod-secret.js';
import { openSecrets, type KubernetesSecrets } from './secrets.js';

/** A cluster of one test, and our client for its namespace `training`. */
export interface OwnCluster {
  readonly fake: FakeKubernetes;
  readonly secrets: KubernetesSecrets;
  readonly home: string;
  readonly as: (token: string, timeoutSeconds?: number) => Promise<KubernetesSecrets>;
}

export async function ownCluster(): Promise<OwnCluster> {
  const fake = await startFakeKubernetes();
  const home = await mkdtemp(join(tmpdir(), 'lineclear-kubernetes-'));
  onTestFinished(async () => {
    await fake.close();
    await rm(home, { recursive: true, force: true });
  });
  fake.addNamespace('training');
  const as: OwnCluster['as'] = async (token, timeoutSeconds = 30) => {
    await writeFile(join(home, token), fake.kubeconfig({ token, namespace: 'training' }));
    return openSecrets({ env: { KUBECONFIG: join(home, token) }, home, timeoutSeconds });
  };
  return { fake, home, as, secrets: await as(fake.token) };
}

export const objectOf = (name: string, data: Readonly<Record<string, string>>): SecretObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: {
    name,
    namespace: 'training',
    labels: { 'app.kubernetes.io/managed-by': 'lineclear' },
    annotations: { 'lineclear.dev/name': name },
  },
  data,
});
