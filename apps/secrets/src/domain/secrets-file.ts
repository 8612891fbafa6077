import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  Scalar,
  type Document,
  type YAMLMap,
} from 'yaml';
import { environmentVariable } from './environment-variable.js';

/** An object of name to value, as text: JSON, or YAML where that is allowed. */
export type TextKind = 'json' | 'json or yaml';

/** What is wrong with the text, without any of it but the names and lines. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly node: Scalar;
}
type Parsed = Document.Parsed<YAMLMap.Parsed>;

/** The names and values in it; an empty value counts as not there. @throws Malformed */
export function entriesOf(text: string, kind: TextKind): ReadonlyMap<string, string> {
  const entries = read(text, kind).entries.filter(({ value }) => value !== '');
  return new Map(entries.map(({ key, value }) => [key, value]));
}

/** All that is written in it, also what is empty. @throws Malformed */
export const allEntriesOf = (text: string, kind: TextKind): { key: string; value: string }[] =>
  read(text, kind).entries.map(({ key, value }) => ({ key, value }));

/** Under which key a name is kept: exactly it, else as the environment would write it (`hf-token` is HF_TOKEN). */
export function keyOf(name: string, has: (key: string) => boolean): string | undefined {
  return [name, environmentVariable(name)].find(has);
}

/** The text with a name set; every other entry, its place and its comments stay. @throws Malformed */
export function withEntry(text: string, kind: TextKind, name: string, value: string): string {
  const { doc, entries, isJson } = read(text, kind);
  const key = keyOf(name, (wanted) => entries.some((entry) => entry.key === wanted)) ?? name;
  if (isJson) {
    const set: JsonEntry = { key, json: JSON.stringify(value) };
    const kept = entries.map((entry) => (entry.key === key ? set : jsonEntry(entry)));
    return jsonText(entries.some((entry) => entry.key === key) ? kept : [...kept, set]);
  }
  keepNumbersAsWritten(entries);
  const old = entries.find((entry) => entry.key === key);
  if (old) {
    old.node.value = value;
    old.node.type = Scalar.QUOTE_DOUBLE;
    delete old.node.tag;
  } else {
    const node = new Scalar(value);
    node.type = Scalar.QUOTE_DOUBLE;
    doc.set(key, node);
  }
  return doc.toString({ lineWidth: 0 });
}

/** The text without a name, or undefined when it is not there. @throws Malformed */
export function withoutEntry(text: string, kind: TextKind, name: string): string | undefined {
  const { doc, entries, isJson } = read(text, kind);
  const key = keyOf(name, (wanted) => entries.some((entry) => entry.key === wanted));
  if (key === undefined) return undefined;
  if (isJson) return jsonText(entries.filter((entry) => entry.key !== key).map(jsonEntry));
  keepNumbersAsWritten(entries);
  // Keys that read as numbers are not their own text, so it goes by its place.
  const at = entries.findIndex((entry) => entry.key === key);
  const items = doc.contents?.items ?? [];
  const [gone] = items.splice(at, 1);
  if (at === 0) keepHead(doc, gone?.key, items[0]?.key);
  return doc.toString({ lineWidth: 0 });
}

function read(
  text: string,
  kind: TextKind,
): { doc: Document; entries: Entry[]; isJson: boolean } & { doc: Pick<Parsed, 'contents'> } {
  if (text.trim() === '') throw new Malformed('is empty: write {} into it if it is to hold nothing');
  const lines = new LineCounter();
  const doc = parseDocument(text, { intAsBigInt: true, lineCounter: lines, logLevel: 'error' }) as Parsed;
  const [fault] = doc.errors;
  // The parser's own words quote the text.
  if (fault) throw new Malformed(`is malformed at line ${lines.linePos(fault.pos[0]).line}`);
  const isJson = isJsonText(text);
  if (kind === 'json' && !isJson)
    throw new Malformed('is not JSON (a comma too many, a comment or a missing quotation mark)');
  const contents: unknown = doc.contents;
  // A file of comments alone holds no secrets; that is said on purpose, unlike an empty one.
  if (contents === null) return { doc, entries: [], isJson };
  if (!isMap(contents)) throw new Malformed('is not an object of names and values');
  const entries = contents.items.map((pair, index) => entryOf(pair, index, lines));
  return { doc, entries, isJson };
}

function entryOf({ key, value }: { key: unknown; value: unknown }, index: number, lines: LineCounter): Entry {
  const name = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
  if (name === undefined) throw new Malformed(`has an entry (number ${index + 1}) without a plain name`);
  // A name may be told, but not what only stands where one should.
  const line = isScalar(key) && key.range ? `line ${lines.linePos(key.range[0]).line}` : `entry ${index + 1}`;
  const what = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/.test(name) ? `${name} (${line})` : line;
  if (isAlias(value) || !isScalar(value) || !isPlain(value.value))
    throw new Malformed(`has an entry that is not a string, a number or a boolean: ${what}`);
  const text = typeof value.value === 'string' ? value.value : (value.source ?? String(value.value));
  if (text.includes('\u0000') || !text.isWellFormed())
    throw new Malformed(`has an entry with a NUL character or half a surrogate pair: ${what}`);
  return { key: name, value: text, node: value };
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  typeof value === 'bigint' ||
  typeof value === 'number';

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface JsonEntry {
  readonly key: string;
  readonly json: string;
}
const jsonEntry = ({ key, value, node }: Entry): JsonEntry => ({
  key,
  // Numbers as they were written: 12345678901234567890 is not a number that JavaScript has.
  json: typeof node.value === 'string' ? JSON.stringify(value) : value,
});
const jsonText = (entries: readonly JsonEntry[]): string =>
  entries.length === 0
    ? '{}\n'
    : `{\n${entries.map(({ key, json }) => `  ${JSON.stringify(key)}: ${json}`).join(',\n')}\n}\n`;

/** What stands above the first entry is mostly about the file, and stays when that entry goes. */
function keepHead(doc: Document, gone: unknown, next: unknown): void {
  const head = isScalar(gone) ? gone.commentBefore : undefined;
  if (!head) return;
  const under = isScalar(next) ? next : doc;
  under.commentBefore = under.commentBefore ? `${head}\n${under.commentBefore}` : head;
}

/** `007` would be written back as 7: what reads as a number but is not written like one is quoted. */
function keepNumbersAsWritten(entries: readonly Entry[]): void {
  for (const { node, value } of entries) {
    if (typeof node.value === 'string' || String(node.value) === value) continue;
    node.value = value;
    node.type = Scalar.QUOTE_DOUBLE;
    delete node.tag;
  }
}
