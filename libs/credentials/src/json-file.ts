import { findNodeAtLocation, parseTree, type Node, type ParseError } from 'jsonc-parser';
import { UnusableText } from './errors.js';
import { insertMember, removeMember, type Span } from './members.js';

/** What stands at a path of a JSON text, as a string; undefined when there is nothing, or no string. */
export function readMember(text: string, path: readonly string[]): string | undefined {
  const node = findNodeAtLocation(objectIn(text), [...path]);
  return node?.type === 'string' ? String(node.value) : undefined;
}

/** The JSON text with a string at a path; everything else stays byte for byte. */
export function writeMember(text: string, path: readonly string[], value: string): string {
  let node = objectIn(text);
  for (const [depth, key] of path.entries()) {
    const child = findNodeAtLocation(node, [key]);
    if (!child) {
      const rest = path
        .slice(depth + 1)
        .reduceRight((inner, name) => `{${JSON.stringify(name)}: ${inner}}`, JSON.stringify(value));
      return insertMember(text, node.offset, membersOf(node), `${JSON.stringify(key)}: ${rest}`);
    }
    if (depth < path.length - 1 && child.type !== 'object')
      throw new UnusableText(`has something else at ${key}`);
    node = child;
  }
  return text.slice(0, node.offset) + JSON.stringify(value) + text.slice(node.offset + node.length);
}

/** The JSON text without a member, and without the objects around it that are empty then and were not in `before`. */
export function deleteMember(text: string, path: readonly string[], before: string | undefined): string {
  const earlier = before === undefined || before.trim() === '' ? undefined : objectIn(before);
  let result = text;
  for (let length = path.length; length > 0; length -= 1) {
    const parent = findNodeAtLocation(objectIn(result), path.slice(0, length - 1));
    const names = (parent?.children ?? []).map((property) => property.children?.[0]?.value as unknown);
    const index = names.indexOf(path[length - 1]);
    if (!parent || index === -1) continue;
    const members = membersOf(parent);
    const child = findNodeAtLocation(parent, [path[length - 1] ?? '']);
    const stays =
      length < path.length && ((child?.children?.length ?? 0) > 0 || isIn(earlier, path.slice(0, length)));
    if (stays) break;
    result = removeMember(result, members, index);
  }
  return result;
}

const isIn = (root: Node | undefined, path: string[]): boolean =>
  root !== undefined && findNodeAtLocation(root, path) !== undefined;

const membersOf = (node: Node): Span[] =>
  (node.children ?? []).map(({ offset, length }) => ({ from: offset, to: offset + length }));

function objectIn(text: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  if (errors.length > 0 || root?.type !== 'object') throw new UnusableText('is not a JSON object');
  return root;
}
