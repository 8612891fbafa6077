/** One attribute of a part of a DN, its name and value brought to the form in which equal ones are equal text. */
interface Piece {
  readonly type: string;
  readonly value: string;
}

const TYPE = /^(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)$/;
// Some directories write numbers, and RFC 2253 had this prefix for them.
const OID_PREFIX = /^oid\./i;
const NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'cn',
  '2.5.4.10': 'o',
  '2.5.4.11': 'ou',
  '0.9.2342.19200300.100.1.1': 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
  commonname: 'cn',
  organizationalunitname: 'ou',
  organizationname: 'o',
  domaincomponent: 'dc',
  userid: 'uid',
};

/**
 * A DN in the form in which equal DNs are equal text: case, blanks around the signs, the way of escaping and the order within
 * a part of several attributes do not matter. undefined when it is none (RFC 4514).
 */
export function normalDn(dn: string): string | undefined {
  const parts = partsOf(dn);
  if (parts === undefined) return undefined;
  return parts.map((pieces) => pieces.map(written).sort().join('+')).join(',');
}

/** The common name of what a DN names, in its normal form; undefined when its first part has none or it is no DN. */
export const commonNameOf = (dn: string): string | undefined =>
  partsOf(dn)?.[0]?.find(({ type }) => type === 'cn')?.value;

/** A name in the form in which equal ones are equal text: neither case nor the number of blanks matters in a directory. */
export const normalName = (name: string): string =>
  name.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim();

const written = ({ type, value }: Piece): string => `${type}=${value.replace(/[,+"\\]/g, '\\$&')}`;

function partsOf(dn: string): Piece[][] | undefined {
  if (dn.trim() === '') return undefined;
  const parts: Piece[][] = [];
  for (const part of splitAt(dn, ',')) {
    const pieces = splitAt(part, '+').map(pieceOf);
    if (!pieces.every((piece) => piece !== undefined)) return undefined;
    parts.push(pieces);
  }
  return parts;
}

/** Splits at a sign that is neither escaped nor between quotes; what is escaped stays so. */
function splitAt(text: string, sign: ',' | '+'): string[] {
  const parts: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === sign && !isQuoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

function pieceOf(text: string): Piece | undefined {
  const equals = text.indexOf('=');
  const type = text.slice(0, equals).trim().replace(OID_PREFIX, '').toLowerCase();
  if (equals < 0 || !TYPE.test(type)) return undefined;
  const value = unescapedValue(text.slice(equals + 1));
  return value === undefined ? undefined : { type: NAMES[type] ?? type, value };
}

function unescapedValue(text: string): string | undefined {
  const raw = /^\s*"((?:[^"\\]|\\.)*)"\s*$/su.exec(text)?.[1] ?? text;
  const bytes: Buffer[] = [];
  for (let at = 0; at < raw.length;) {
    const hex = /^\\([0-9a-f]{2})/i.exec(raw.slice(at, at + 3))?.[1];
    if (hex !== undefined) {
      bytes.push(Buffer.from(hex, 'hex'));
      at += 3;
      continue;
    }
    if (raw[at] === '\\') at += 1;
    const sign = raw.codePointAt(at);
    // Nothing after the last backslash: that is no value.
    if (sign === undefined) return undefined;
    const letter = String.fromCodePoint(sign);
    bytes.push(Buffer.from(letter, 'utf8'));
    at += letter.length;
  }
  const value = normalName(Buffer.concat(bytes).toString('utf8'));
  return value === '' ? undefined : value;
}
