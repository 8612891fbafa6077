/** Works on several mails at once, and on no more than a few. */
export class UnderWay {
  readonly #works = new Map<number, Promise<void>>();

  constructor(private readonly most: number) {}

  has(uid: number): boolean {
    return this.#works.has(uid);
  }

  /** Once there is room for one more. */
  async room(): Promise<void> {
    while (this.#works.size >= this.most) await Promise.race(this.#works.values());
  }

  /** `work` throws nothing. */
  begin(uid: number, work: () => Promise<void>): void {
    const over = work().finally(() => this.#works.delete(uid));
    this.#works.set(uid, over);
  }

  /** Once nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#works.values());
  }
}

/**
 * In groups of at most `size`, in their order, from the group on that `share` (0 to 1) says: replicas that begin in different
 * places seldom are at the same mails.
 */
export function inGroups(uids: readonly number[], size: number, share: number): number[][] {
  const groups: number[][] = [];
  for (let at = 0; at < uids.length; at += size) groups.push(uids.slice(at, at + size));
  const first = Math.floor(share * groups.length);
  return [...groups.slice(first), ...groups.slice(0, first)];
}
