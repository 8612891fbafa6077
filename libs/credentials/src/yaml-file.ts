import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';
import { UnusableText } from './errors.js';
import type { FileFamily, Values } from './format.js';
import { insertMember, removeMember, type Span } from './members.js';
import { insertLines, joinLines, removeLines, splitLines } from './text-lines.js';

interface YamlShape {
  /** The key of each field in the map of its host. */
  readonly keys: Readonly<Record<string, string>>;
}

interface Member extends Span {
  readonly name: string;
  readonly value: unknown;
}

interface Block {
  readonly flow: boolean;
  readonly open: number;
  readonly members: readonly Member[];
}

const STEP = '    ';
/** Plain text that no YAML reader takes for something else. */
const PLAIN = /^(?!(?:y|yes|n|no|on|off|true|false|null)$)[A-Za-z][\w.-]*$/i;
// The words of the file stay words: `no` and `1e3` are as they were written.
const AS_WRITTEN = { schema: 'failsafe' } as const;

/** A map of hosts, each a map of keys, as gh's hosts.yml. Edited in its text: a YAML writer would format it anew. */
export function yamlHosts({ keys }: YamlShape): FileFamily {
  function read(text: string, profile: string): Values | undefined {
    const host = hostIn(text, profile);
    const values: Record<string, string> = {};
    for (const [field, key] of Object.entries(keys)) {
      const value = blockOf(text, host?.value)?.members.find(({ name }) => name === key)?.value;
      if (isScalar(value) && typeof value.value === 'string' && value.value !== '')
        values[field] = value.value;
    }
    return Object.keys(values).length === 0 ? undefined : values;
  }

  function write(given: string | undefined, values: Values, profile: string): string {
    let text = given ?? '';
    for (const [field, key] of Object.entries(keys)) {
      const value = values[field];
      text = value === undefined ? withoutKey(text, profile, key) : withKey(text, profile, key, value);
    }
    return text;
  }

  function remove(text: string, profile: string, before: string | undefined): string | undefined {
    const rest = write(text, {}, profile);
    const host = hostIn(rest, profile);
    const hadHost = before !== undefined && hostIn(before, profile) !== undefined;
    const isEmpty = (blockOf(rest, host?.value)?.members.length ?? 0) === 0;
    return (host && !hadHost && isEmpty ? withoutMember(rest, rootOf(rest), profile) : rest) || undefined;
  }

  return { fields: Object.keys(keys), read, write, remove };
}

function withKey(text: string, host: string, key: string, value: string): string {
  const root = rootOf(text);
  const pair = root?.members.find(({ name }) => name === host);
  if (!root)
    return joinLines(insertLines(splitLines(text), splitLines(text).length, hostLines('', host, key, value)));
  if (!pair) {
    if (root.flow)
      return insertMember(
        text,
        root.open,
        root.members,
        `${quoted(host)}: {${quoted(key)}: ${quoted(value)}}`,
      );
    return insertAbove(text, root.members[0], (indent) => hostLines(indent, host, key, value));
  }
  const block = blockOf(text, pair.value);
  const found = block?.members.find(({ name }) => name === key);
  if (found) {
    const span = spanOf(found.value);
    if (!isScalar(found.value) || !span) throw new UnusableText(`has something else at ${key}`);
    return text.slice(0, span.from) + scalar(value, found.value.type, span) + text.slice(span.to);
  }
  if (block?.flow) return insertMember(text, block.open, block.members, `${quoted(key)}: ${quoted(value)}`);
  if (block) return insertAbove(text, block.members[0], (indent) => [`${indent}${key}: ${scalar(value)}`]);
  const { line, indent } = lineOf(text, pair.from);
  return joinLines(insertLines(splitLines(text), line + 1, [`${indent}${STEP}${key}: ${scalar(value)}`]));
}

function withoutKey(text: string, host: string, key: string): string {
  return withoutMember(text, blockOf(text, hostIn(text, host)?.value), key);
}

function withoutMember(text: string, block: Block | undefined, name: string): string {
  const index = block?.members.findIndex((member) => member.name === name) ?? -1;
  const member = block?.members[index];
  if (!block || !member) return text;
  if (block.flow) return removeMember(text, block.members, index);
  const { line: first } = lineOf(text, member.from);
  const { line: last } = lineOf(text, Math.max(member.from, member.to - 1), false);
  const gone = new Set(Array.from({ length: last - first + 1 }, (_, offset) => first + offset));
  return joinLines(removeLines(splitLines(text), gone));
}

const hostLines = (indent: string, host: string, key: string, value: string): string[] => [
  `${indent}${scalar(host)}:`,
  `${indent}${STEP}${key}: ${scalar(value)}`,
];

function insertAbove(text: string, member: Member | undefined, lines: (indent: string) => string[]): string {
  const { line, indent } = lineOf(text, member?.from ?? 0);
  return joinLines(insertLines(splitLines(text), line, lines(indent)));
}

/** The line that a place is in, and what stands before it on that line, which must be white space where lines are added. */
function lineOf(text: string, at: number, startsLine = true): { line: number; indent: string } {
  const before = text.slice(0, at).split('\n');
  const indent = (before.at(-1) ?? '').replace(/^\uFEFF/, '');
  if (startsLine && indent.trim() !== '')
    throw new UnusableText('is written in a way that is not edited here');
  return { line: before.length - 1, indent };
}

const hostIn = (text: string, host: string): Member | undefined =>
  rootOf(text)?.members.find(({ name }) => name === host);

function rootOf(text: string): Block | undefined {
  const { contents, errors } = parseDocument(text, AS_WRITTEN);
  if (errors.length > 0 || /^\.\.\.(\s|$)/m.test(text)) throw new UnusableText('is not one YAML document');
  if (contents === null || (isScalar(contents) && contents.source === '')) return undefined;
  // An empty scalar after `---` has no source at all.
  if (isScalar(contents) && contents.range?.[0] === contents.range?.[1]) return undefined;
  const block = blockOf(text, contents);
  if (!block) throw new UnusableText('is not a map of hosts');
  return block;
}

/** A map and where its members stand; undefined for an empty value. */
function blockOf(text: string, value: unknown): Block | undefined {
  if (value === undefined || value === null) return undefined;
  if (isScalar(value) && value.range?.[0] === value.range?.[1]) return undefined;
  if (!isMap(value) || value.anchor !== undefined) throw new UnusableText('has something else than a map');
  const open = value.range?.[0] ?? 0;
  const flow = value.flow === true;
  if (flow && text[open] !== '{') throw new UnusableText('is written in a way that is not edited here');
  return { flow, open, members: (value as YAMLMap).items.map(memberOf) };
}

function memberOf({ key, value }: Pair): Member {
  const from = spanOf(key);
  if (!isScalar(key) || !from) throw new UnusableText('has a key that is no word');
  const to = spanOf(value)?.to ?? from.to;
  return { name: String(key.value), value, from: from.from, to: Math.max(to, from.to) };
}

function spanOf(node: unknown): Span | undefined {
  const range = isScalar(node) || isMap(node) || hasRange(node) ? node.range : undefined;
  return range ? { from: range[0], to: range[1] } : undefined;
}

const hasRange = (node: unknown): node is { range?: [number, number, number] | null } =>
  typeof node === 'object' && node !== null && 'range' in node;

const quoted = (value: string): string => JSON.stringify(value);

/** A value in YAML, in the quotes that were there where it can be. */
function scalar(value: string, style?: string, span?: Span): string {
  if (style === 'QUOTE_DOUBLE') return quoted(value);
  if (style === 'QUOTE_SINGLE') return `'${value.replaceAll("'", "''")}'`;
  // A value over several lines would need its indentation again.
  if (style === 'BLOCK_LITERAL' || style === 'BLOCK_FOLDED' || (span && span.to === span.from))
    throw new UnusableText('is written in a way that is not edited here');
  return PLAIN.test(value) ? value : quoted(value);
}
