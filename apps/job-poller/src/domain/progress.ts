import type { Progress } from './run.js';
import { storable } from './storable.js';

const PAIR = /(?:^|[\s,;|[(])([A-Za-z][A-Za-z0-9_./-]{0,59})=("?)([^\s,;|"\])]{1,64})\2/g;
const MAX_LINE_LENGTH = 4_000;
const MAX_METRICS = 20;
const METRIC =
  /^(?:[\w ./-]*[_./-])?(?:loss|accuracy|acc|lr|learning_rate|perplexity|grad_norm|f1|auc|psnr|fid|reward)$/i;

/** What these lines of output say about how far a run is, on top of what was known; the same object when they say nothing. */
export function readProgress(text: string, known: Progress | null): Progress | null {
  let progress = known;
  for (const line of text.split(/[\r\n]/)) {
    if (line.length > MAX_LINE_LENGTH) continue;
    const pairs = line.trimStart().startsWith('{') ? pairsOfJson(line) : pairsOfText(line);
    if (pairs.size > 0) progress = merge(progress, pairs);
  }
  return progress;
}

function pairsOfText(line: string): Map<string, string | number> {
  const pairs = new Map<string, string | number>();
  if (!line.includes('=')) return pairs;
  for (const [, name, , value] of line.matchAll(PAIR))
    if (name !== undefined && value !== undefined) pairs.set(name, value);
  return pairs;
}

function pairsOfJson(line: string): Map<string, string | number> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return pairsOfText(line);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return new Map();
  return new Map(
    Object.entries(value).filter((entry): entry is [string, string | number] =>
      ['string', 'number'].includes(typeof entry[1]),
    ),
  );
}

function merge(known: Progress | null, pairs: ReadonlyMap<string, string | number>): Progress | null {
  const next: { -readonly [Key in keyof Progress]: Progress[Key] } = {};
  const metrics: Record<string, number> = {};
  for (const [name, value] of pairs) {
    const [whole, parts] = numberOf(value);
    const lower = name.toLowerCase();
    if (lower === 'stage' && typeof value === 'string' && /^[A-Za-z]/.test(value))
      next.stage = storable(value.slice(0, 60));
    if (whole === undefined) continue;
    if (['step', 'global_step', 'steps'].includes(lower) && whole >= 0 && whole <= Number.MAX_SAFE_INTEGER) {
      next.step = Math.floor(whole);
      if (parts !== undefined) next.progress ??= share(whole / parts);
    } else if (lower === 'epoch' && whole >= 0) next.epoch = whole;
    else if (lower === 'progress') next.progress = share(String(value).endsWith('%') ? whole / 100 : whole);
    else if (METRIC.test(name) && name.length <= 60 && Object.keys(metrics).length < MAX_METRICS)
      metrics[name] = whole;
  }
  const hasMetrics = Object.keys(metrics).length > 0;
  if (Object.keys(next).length === 0 && !hasMetrics) return known;
  const all = { ...known?.metrics, ...metrics };
  return {
    ...known,
    ...next,
    ...(hasMetrics ? { metrics: Object.fromEntries(Object.entries(all).slice(-MAX_METRICS)) } : {}),
  };
}

/** `3`, `3/10` and `30%` as a number, and what it is a part of. */
function numberOf(value: string | number): [number | undefined, number | undefined] {
  if (typeof value === 'number') return [Number.isFinite(value) ? value : undefined, undefined];
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(?:\/(\d+)|%)?$/i.exec(value);
  const whole = match ? Number(match[1]) : Number.NaN;
  const of = match?.[2] === undefined ? undefined : Number(match[2]);
  return [Number.isFinite(whole) ? whole : undefined, of !== undefined && of > 0 ? of : undefined];
}

const share = (value: number): number => Math.min(1, Math.max(0, value));
