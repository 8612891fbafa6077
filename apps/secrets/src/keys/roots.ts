import { CannotOpen } from '../domain/envelope.js';
import type { WrappedKey } from '../domain/kek.js';
import type { RootKey } from './root-key.js';

const PURPOSE = 'lineclear kek';

/** The root keys that this house was given: the first one wraps, all of them open. */
export class Roots {
  constructor(private readonly roots: readonly [RootKey, ...RootKey[]]) {}

  /** The one that wraps. */
  get inUse(): string {
    return this.roots[0].id;
  }

  async wrap(id: string, key: Buffer): Promise<WrappedKey> {
    const [root] = this.roots;
    return { id, rootId: root.id, wrapped: await root.wrap(key, { purpose: PURPOSE, key_id: id }) };
  }

  /** @throws CannotOpen when none of these root keys wrapped it; Unavailable when the one that did is out of reach. */
  async unwrap({ id, rootId, wrapped }: WrappedKey): Promise<Buffer> {
    const root = this.roots.find((one) => one.id === rootId);
    if (!root) throw new CannotOpen(`${id} is wrapped by ${rootId}, which is not here`);
    return root.unwrap(wrapped, { purpose: PURPOSE, key_id: id });
  }
}
