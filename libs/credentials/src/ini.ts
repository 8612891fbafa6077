import type { FileFamily, Values } from './format.js';
import { insertLines, joinLines, removeLines, splitLines, type Line } from './text-lines.js';

interface IniShape {
  /** The names of the section that may hold a profile: the first one that is there is used, else the first is made. Undefined is the part above all sections. */
  readonly sections: (profile: string) => readonly (string | undefined)[];
  /** The key in the file of each field. */
  readonly keys: Readonly<Record<string, string>>;
}

/** How a dialect writes `key = value`. */
interface Dialect {
  readonly option: RegExp;
  readonly sameKey: (a: string, b: string) => boolean;
  readonly decode: (raw: string) => string | undefined;
  readonly encode: (value: string, like: string) => string;
}

interface Option {
  readonly key: string;
  readonly line: number;
  readonly from: number;
  readonly raw: string;
}

interface Section {
  readonly name: string | undefined;
  /** The line of its header; -1 for the part above all sections. */
  readonly header: number;
  /** The line after its last one. */
  end: number;
  readonly options: Option[];
}

const INI: Dialect = {
  option: /^(\s*)([^\s=:#;[](?:[^=:]*[^\s=:])?)\s*[=:]\s*(.*)/ds,
  // Python's configparser, which reads these files, folds the case of keys.
  sameKey: (a, b) => a.toLowerCase() === b.toLowerCase(),
  decode: (raw) => raw,
  encode: (value) => value,
};

const TOML: Dialect = {
  option:
    /^(\s*)([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#](?:[^#]*[^\s#])?|(?=#|$))\s*(?:#.*)?$/ds,
  sameKey: (a, b) => a === b,
  decode: (raw) => (raw.startsWith("'") ? raw.slice(1, -1) : decodeQuoted(raw)),
  encode: (value, like) =>
    like.startsWith("'") && !value.includes("'") ? `'${value}'` : JSON.stringify(value),
};

/** Files of `[section]` and `key = value`, as of the AWS tools. */
export const iniFile = (shape: IniShape): FileFamily => familyOf(shape, INI);

/** The part of TOML that credentials use: tables of quoted strings. */
export const tomlFile = (shape: IniShape): FileFamily => familyOf(shape, TOML);

/** The name of the TOML table where `key` is `value`: how a file says which of its profiles is in use. */
export const tableWith = (key: string, value: string) => (text: string) =>
  scan(splitLines(text), TOML).find(({ options }) =>
    options.some((option) => option.key === key && option.raw === value),
  )?.name;

function familyOf({ sections, keys }: IniShape, dialect: Dialect): FileFamily {
  const find = (lines: readonly Line[], profile: string): Section | undefined => {
    const found = scan(lines, dialect);
    return sections(profile)
      .map((name) => found.find((section) => section.name === name))
      .find((section) => section !== undefined);
  };
  const optionOf = (section: Section | undefined, key: string): Option | undefined =>
    section?.options.find((option) => dialect.sameKey(option.key, key));

  function read(text: string, profile: string): Values | undefined {
    const section = find(splitLines(text), profile);
    const values: Record<string, string> = {};
    for (const [field, key] of Object.entries(keys)) {
      const value = dialect.decode(optionOf(section, key)?.raw ?? '');
      if (value) values[field] = value;
    }
    return Object.keys(values).length === 0 ? undefined : values;
  }

  function write(text: string | undefined, values: Values, profile: string): string {
    let lines = splitLines(text ?? '');
    const [name] = sections(profile);
    if (!find(lines, profile) && name !== undefined) lines = insertLines(lines, lines.length, [`[${name}]`]);
    for (const [field, key] of Object.entries(keys)) {
      const section = find(lines, profile);
      const option = optionOf(section, key);
      const value = values[field];
      if (value === undefined) {
        if (option) lines = removeLines(lines, new Set([option.line]));
      } else if (option) {
        lines = lines.with(
          option.line,
          replaceIn(lines[option.line], option, dialect.encode(value, option.raw)),
        );
      } else {
        const line = `${key} = ${dialect.encode(value, '')}`;
        lines = insertLines(lines, section ? endOf(lines, section) : 0, [line]);
      }
    }
    return joinLines(lines);
  }

  function remove(text: string, profile: string, before: string | undefined): string | undefined {
    let lines = splitLines(write(text, {}, profile));
    const section = find(lines, profile);
    const hadSection = before !== undefined && find(splitLines(before), profile) !== undefined;
    if (section && section.header >= 0 && !hadSection && endOf(lines, section) === section.header + 1)
      lines = removeLines(lines, new Set([section.header]));
    return joinLines(lines) || undefined;
  }

  return { fields: Object.keys(keys), read, write, remove };
}

function scan(lines: readonly Line[], { option }: Dialect): Section[] {
  let section: Section = { name: undefined, header: -1, end: lines.length, options: [] };
  const sections = [section];
  let indent: number | undefined;
  lines.forEach(({ text }, line) => {
    const body = text.replace(/^\uFEFF/, '');
    const leading = body.length - body.trimStart().length;
    // More indented than the option above it: a part of that option's value (`s3 =` in ~/.aws/config).
    if (body.trim() === '' || (indent !== undefined && leading > indent)) return;
    const header = /^\s*\[([^\]]+)\]/.exec(body)?.[1];
    if (header !== undefined) {
      section.end = line;
      section = { name: plainName(header), header: line, end: lines.length, options: [] };
      sections.push(section);
      indent = undefined;
      return;
    }
    const match = option.exec(text.trimEnd());
    const at = match?.indices?.[3];
    if (!match || !at || /^\s*[#;]/.test(body)) return;
    indent = leading;
    section.options.push({
      key: (match[2] ?? '').replace(/^\uFEFF/, ''),
      line,
      from: at[0],
      raw: match[3] ?? '',
    });
  });
  return sections;
}

// `[profile "work"]` and `[profile  work]` are `[profile work]` to the AWS tools.
const plainName = (header: string): string =>
  header
    .trim()
    .replace(/^(profile)\s+/, '$1 ')
    .replace(/^(profile )?(["'])(.*)\2$/, '$1$3');

/** The line after the last one of a section that is not blank. */
function endOf(lines: readonly Line[], section: Section): number {
  let end = section.end;
  while (end > section.header + 1 && lines[end - 1]?.text.trim() === '') end -= 1;
  return end;
}

function replaceIn(line: Line | undefined, { from, raw }: Option, value: string): Line {
  const { text, end } = line ?? { text: '', end: '' };
  return { text: text.slice(0, from) + value + text.slice(from + raw.length), end };
}

function decodeQuoted(raw: string): string | undefined {
  if (!raw.startsWith('"')) return undefined;
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'string' ? value : undefined;
  } catch {
    // TOML's `\U0001F600` is no JSON; no token has it.
    return undefined;
  }
}
