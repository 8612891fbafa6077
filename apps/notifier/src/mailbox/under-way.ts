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
 * In groups of at most `size`, in an order by chance (`random` gives 0 to 1): replicas that take each its own way through the
 * same mails seldom are at the same ones.
 */
export function inGroups(uids: readonly number[], size: number, random: () => number): number[][] {
  const groups: number[][] = [];
  for (let at = 0; at < uids.length; at += size) {
    const other = Math.floor(random() * (groups.length + 1));
    groups.push(groups[other] ?? []);
    groups[other] = uids.slice(at, at + size);
  }
  return groups;
}
