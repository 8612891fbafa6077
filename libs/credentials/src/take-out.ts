import type { FileFamily } from './format.js';

/** The text without our entry: what the entry was in `before` is put back, or it goes. Undefined when nothing is left. */
export function takeOut(
  text: string,
  family: FileFamily,
  profile: string,
  before: string | undefined,
): string | undefined {
  const earlier = before === undefined ? undefined : family.read(before, profile);
  return earlier ? family.write(text, earlier, profile) : family.remove(text, profile, before);
}
