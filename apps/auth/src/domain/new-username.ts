const MAX_LENGTH = 50;
const TRIES = 50;

/** What a new person may be called here, the best first: as their provider calls them, in our letters, and with a number when that is taken. */
export function* usernames(wanted: string): Generator<string> {
  const plain = wanted
    .normalize('NFKD')
    .replace(/@.*$/s, '')
    .replace(/[^a-zA-Z0-9_.-]+/g, '')
    .slice(0, MAX_LENGTH);
  const name = plain === '' ? 'user' : plain;
  yield name;
  for (let n = 2; n <= TRIES; n += 1) {
    const suffix = `.${n}`;
    yield `${name.slice(0, MAX_LENGTH - suffix.length)}${suffix}`;
  }
}
