import { doubtOfSignatures, type SignedMail } from './dmarc.js';
import { valuesOf, type HeaderLine } from './header-lines.js';
import { doubtOfResults, partsOf } from './relay-word.js';

/** Each costs a question to DNS; RFC 8617 allows 50, and nobody forwards so often. */
const MAX_SETS = 10;
const INSTANCE = /^[1-9]\d?$/u;

type Tags = ReadonlyMap<string, string>;
/** What one hop of a forwarded mail added. */
interface ArcSet {
  readonly seal: Tags;
  readonly signature: Tags;
  /** What it says that it found, in parts. */
  readonly results: readonly string[];
}

/** The tags of a seal or a signature. Undefined where anything of it could be read in two ways. */
function tagsOf(value: string): Tags | undefined {
  if (/[()"'\\]/u.test(value)) return undefined;
  const tags = new Map<string, string>();
  for (const part of value.replace(/;\s*$/u, '').split(';')) {
    const [, name, text] = /^\s*([a-z][a-z0-9_]*)\s*=(.*)$/isu.exec(part) ?? [];
    if (name === undefined || text === undefined || tags.has(name.toLowerCase())) return undefined;
    tags.set(name.toLowerCase(), text.trim());
  }
  return tags;
}

/** By instance; undefined where there is one without, twice the same, or one that cannot be read. */
function byInstance<T>(
  all: readonly (readonly [string | undefined, T] | undefined)[],
): Map<number, T> | undefined {
  const found = new Map<number, T>();
  for (const one of all) {
    if (one?.[0] === undefined || !INSTANCE.test(one[0]) || found.has(Number(one[0]))) return undefined;
    found.set(Number(one[0]), one[1]);
  }
  return found;
}

function tagged(lines: readonly HeaderLine[], name: string): Map<number, Tags> | undefined {
  return byInstance(
    valuesOf(lines, name).map((value) => {
      const tags = tagsOf(value);
      return tags && ([tags.get('i'), tags] as const);
    }),
  );
}

function told(lines: readonly HeaderLine[]): Map<number, string[]> | undefined {
  return byInstance(
    valuesOf(lines, 'arc-authentication-results').map((value) => {
      const [first = '', ...others] = partsOf(value) ?? [];
      // Readers differ on which of two it is.
      const isClear = first.startsWith('i=') && !others.some((other) => other.startsWith('i='));
      return isClear ? ([first.slice(2), others.slice(1)] as const) : undefined;
    }),
  );
}

/** The sets of a mail, the oldest first; undefined where they are not one whole chain. */
export function arcSets(lines: readonly HeaderLine[]): ArcSet[] | undefined {
  const seals = tagged(lines, 'arc-seal');
  const signatures = tagged(lines, 'arc-message-signature');
  const results = told(lines);
  if (!seals || !signatures || !results) return undefined;
  const sets: ArcSet[] = [];
  for (let i = 1; i <= seals.size; i += 1) {
    const [seal, signature, said] = [seals.get(i), signatures.get(i), results.get(i)];
    if (!seal || !signature || !said) return undefined;
    // What a seal found of the chain before it: written otherwise, not everybody would look at that.
    if (seal.get('cv') !== (i === 1 ? 'none' : 'pass')) return undefined;
    sets.push({ seal, signature, results: said });
  }
  return signatures.size === sets.length && results.size === sets.length ? sets : undefined;
}

const covers = (signature: Tags | undefined, names: readonly string[]): boolean => {
  const signed = (signature?.get('h') ?? '')
    .toLowerCase()
    .split(':')
    .map((name) => name.trim());
  return names.every((name) => signed.includes(name));
};

/**
 * Why what is written in a forwarded mail would not prove its From, were all of its seals valid (RFC 8617), or undefined when it
 * would: the newest seal is of a trusted sealer, who says dmarc=pass of that domain.
 */
export function doubtOfArcSets(
  { lines, from, tokenIn }: Omit<SignedMail, 'raw'>,
  sealers: readonly string[],
): string | undefined {
  const sets = arcSets(lines);
  const newest = sets?.at(-1);
  if (!sets || !newest) return 'its ARC headers are no whole chain';
  if (sets.length > MAX_SETS) return 'it has too many ARC seals';
  const sealer = newest.seal.get('d')?.toLowerCase() ?? '';
  if (!sealers.includes(sealer)) return 'its newest ARC seal is not of a trusted sealer';
  const { signature, results } = newest;
  if (signature.get('d')?.toLowerCase() !== sealer)
    return 'its newest ARC seal and signature are of different domains';
  if (signature.has('l')) return 'its newest ARC signature covers a part of it only';
  if (!covers(signature, ['from', tokenIn]))
    return 'its newest ARC signature does not cover its From and the address it answers';
  // By such a one somebody else could have sent it anew, to whomever they liked, and the sealer found nothing wrong.
  const signatures = valuesOf(lines, 'dkim-signature');
  if (!signatures.every((one) => covers(tagsOf(one), ['from', tokenIn])))
    return 'a signature does not cover its From and the address it answers';
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return doubtOfSignatures(signatures) ?? doubtOfResults(results, domain, 'sealer');
}

/** Whether anybody says to have sealed it. */
export const isSealed = (lines: readonly HeaderLine[]): boolean => valuesOf(lines, 'arc-seal').length > 0;
