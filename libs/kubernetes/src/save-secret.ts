import { KubernetesFailure } from './failure.js';
import { isOurs, writeOf, type SecretObject, type Write } from './pod-secret.js';
import type { KubernetesSecrets } from './secrets.js';

/** Who else writes the same object has to lose as often as we do. */
const MAX_ATTEMPTS = 5;

/** Writes an object where nothing stands against it, and answers with what was done. @throws KubernetesFailure */
export const saveSecret = (
  secrets: KubernetesSecrets,
  wanted: SecretObject,
  options: { readonly override: boolean },
): Promise<Write> =>
  withFreshRead(async () => {
    const found = await secrets.get(wanted.metadata.name);
    const existing = found && { data: found.data.reveal(), labels: found.labels };
    const write = writeOf(existing, wanted, options);
    if (write === 'create') await secrets.create(wanted);
    if (write === 'replace' && found) await secrets.replace(found, wanted);
    return write;
  });

export type Removal = 'removed' | 'gone' | 'not ours';

/** Removes an object of ours, and no other. @throws KubernetesFailure */
export const removeSecret = (secrets: KubernetesSecrets, name: string): Promise<Removal> =>
  withFreshRead(async () => {
    const found = await secrets.get(name);
    if (!found) return 'gone';
    if (!isOurs(found.labels)) return 'not ours';
    await secrets.delete(found);
    return 'removed';
  });

/** What was read may be old, or gone, when it is written: then it is read again, and decided anew. */
async function withFreshRead<T>(attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isStale = error instanceof KubernetesFailure && error.kind === 'conflict';
      if (!isStale || n === MAX_ATTEMPTS) throw error;
    }
  }
}
