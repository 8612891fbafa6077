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

/**
 * Why the word of a relay (RFC 8601) does not prove the domain of a From address, or undefined when it does. `values` are
 * all Authentication-Results of the mail from the top: whatever stands below the first one anybody can have written.
 */
export function doubtOfRelay(values: readonly string[], relay: string, domain: string): string | undefined {
  const words = values[0] === undefined ? undefined : plainWords(values[0]);
  if (words === undefined) return 'no Authentication-Results that can be read';
  const [id = '', ...results] = words.split(';').map((part) => part.trim());
  if (id.split(/\s+/u)[0] !== relay) return 'the topmost Authentication-Results is not of the trusted relay';
  const told = results
    .map((result) => result.replaceAll(/\s*=\s*/gu, '=').split(/\s+/u))
    .filter(([method = '']) => /^dmarc(?:\/1)?=/u.test(method));
  const [method, ...properties] = told.length === 1 ? told[0]! : [];
  if (method?.split('=')[1] !== 'pass') return 'the relay does not say dmarc=pass';
  const from = properties.filter((property) => property.startsWith('header.from='));
  return from.length === 1 && from[0] === `header.from=${domain}`
    ? undefined
    : 'the relay says dmarc=pass of another domain';
}
