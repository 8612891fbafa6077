import { createHash } from 'node:crypto';

const MAX_ARGUMENTS_LENGTH = 1_000;
const MAX_DEPTH = 32;

/**
 * The key of a call: `prefix:method:arguments`, equal for equal arguments whatever the order of their fields. Arguments that are
 * long are in it as their SHA-256. @throws TypeError that names the argument, never its value, when one has no stable JSON
 */
export function callKey(prefix: string, method: string, args: readonly unknown[]): string {
  const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
  const text = given.map((arg, index) => stableJson(arg, `argument ${index + 1} of ${method}`)).join(',');
  return `${prefix}:${method}:${text.length > MAX_ARGUMENTS_LENGTH ? sha256(text) : text}`;
}

const sha256 = (text: string): string => `sha256-${createHash('sha256').update(text).digest('hex')}`;

/** Says the same of equal values and different things of different ones, as JSON does not: it drops and rounds and asks `toJSON`. */
function stableJson(value: unknown, at: string, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TypeError(`${at} is nested too deep to be part of a cache key`);
  if (value === undefined) return 'undefined';
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value))
    return `[${Array.from(value, (item, index) => stableJson(item, `${at}[${index}]`, depth + 1)).join(',')}]`;
  if (!isPlain(value)) throw new TypeError(`${at} cannot be part of a cache key: it has no stable JSON`);
  const fields = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${stableJson(value[name], `${at}.${name}`, depth + 1)}`);
  return `{${fields.join(',')}}`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
