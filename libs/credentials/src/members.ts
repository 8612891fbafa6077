/** Where a member of a `{ ... }` stands, from its key to the end of its value. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Puts a member in front of the others of an object, whose `{` is at `open`: the white space of the first one is repeated, so
 * that `removeMember` gives the text back byte for byte. Right for JSON and for YAML's flow style.
 */
export function insertMember(text: string, open: number, members: readonly Span[], member: string): string {
  const inside = open + 1;
  const first = members[0];
  const added = first ? `${text.slice(inside, first.from)}${member},` : member;
  return text.slice(0, inside) + added + text.slice(inside);
}

/** Takes a member out of an object, with the comma that it needed. */
export function removeMember(text: string, members: readonly Span[], index: number): string {
  const gone = members[index];
  if (!gone) return text;
  const next = members[index + 1];
  const previous = members[index - 1];
  const from = next || !previous ? gone.from : previous.to;
  const to = next ? next.from : gone.to;
  return text.slice(0, from) + text.slice(to);
}
