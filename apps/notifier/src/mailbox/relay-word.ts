/** Without comments, which may be nested; what is quoted becomes a word that says nothing. Undefined where one does not end. */
function plainWords(value: string): string | undefined {
  let text = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const char = value[at]!;
    if (char === '\\' && (isQuoted || depth > 0)) at += 1;
    else if (isQuoted) isQuoted = char !== '"';
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (depth === 0 && char === '"') {
      isQuoted = true;
      text += 'quoted';
    } else if (depth === 0) text += char;
    if (depth < 0) return undefined;
    if (char === ')' && depth === 0) text += ' ';
  }
  return isQuoted || depth > 0 ? undefined : text.toLowerCase();
}

const withoutSpaces = (part: string): string =>
  part
    .split('=')
    .map((side) => side.trim())
    .join('=');

/** The parts of such a header between semicolons, in lower case. Undefined where nobody can tell. */
export const partsOf = (value: string): string[] | undefined =>
  plainWords(value)
    ?.split(';')
    .map((part) => withoutSpaces(part));

/** Why these results do not say dmarc=pass of a domain, and nothing else, or undefined when they do. `who` says them. */
export function doubtOfResults(results: readonly string[], domain: string, who: string): string | undefined {
  const told = results
    .map((result) => result.split(/\s+/u))
    .filter(([method = '']) => /^dmarc(?:\/1)?=/u.test(method));
  const [method, ...properties] = told.length === 1 ? told[0]! : [];
  if (method?.split('=')[1] !== 'pass') return `the ${who} does not say dmarc=pass`;
  const from = properties.filter((property) => property.startsWith('header.from='));
  return from.length === 1 && from[0] === `header.from=${domain}`
    ? undefined
    : `the ${who} says dmarc=pass of another domain`;
}

/**
 * Why the word of a relay (RFC 8601) does not prove the domain of a From address, or undefined when it does. `values` are
 * all Authentication-Results of the mail from the top: whatever stands below the first one anybody can have written.
 */
export function doubtOfRelay(values: readonly string[], relay: string, domain: string): string | undefined {
  const parts = values[0] === undefined ? undefined : partsOf(values[0]);
  if (parts === undefined) return 'no Authentication-Results that can be read';
  const [id = '', ...results] = parts;
  if (id.split(/\s+/u)[0] !== relay) return 'the topmost Authentication-Results is not of the trusted relay';
  return doubtOfResults(results, domain, 'relay');
}
