import { expect, it } from 'vitest';
import { doubtOfArcSets } from './arc-sets.js';
import type { HeaderLine } from './header-lines.js';

const PASS =
  'mx.sealer.test 1; spf=pass smtp.mailfrom=team.test; dmarc=pass action=none header.from=team.test';
interface Hop {
  readonly seal?: string;
  readonly signature?: string;
  readonly results?: string;
}
/** The headers of one hop, a trusted one unless it is said otherwise. */
const hop = (i: number | string, { seal, signature, results }: Hop = {}): HeaderLine[] => [
  [
    'arc-seal',
    seal ?? `i=${i}; a=rsa-sha256; t=1; cv=${i === 1 ? 'none' : 'pass'}; d=sealer.test; s=1; b=ab cd==`,
  ],
  [
    'arc-message-signature',
    signature ??
      `i=${i}; a=rsa-sha256; c=relaxed/relaxed; d=sealer.test; s=1; h=to:from : subject; bh=x=; b=y=;`,
  ],
  ['arc-authentication-results', results ?? `i=${i}; ${PASS}`],
];
const MAIL: HeaderLine[] = [
  ['dkim-signature', 'v=1; a=rsa-sha256; d=team.test; s=1; h=From:To; bh=x=; b=y='],
  ['from', 'lead@team.test'],
  ['to', 'approvals@lineclear.test'],
];
const SIGNED = { h: 'from:to', d: 'sealer.test' };
const signature = (change: Partial<typeof SIGNED> & { more?: string }): Hop => {
  const { h, d } = { ...SIGNED, ...change };
  return { signature: `i=1; d=${d}; s=1; h=${h}; ${change.more ?? ''}bh=x; b=y` };
};
const seal = (text: string): Hop => ({ seal: `${text}; s=1; b=y` });
const said = (results: string): Hop => ({ results });
const many = (count: number): HeaderLine[] => Array.from({ length: count }, (_, n) => hop(n + 1)).flat();

it.each<[string, HeaderLine[], string | undefined]>([
  ['passed where it was sealed', hop(1), undefined],
  ['passed where it was sealed last', [...hop(2), ...hop(1, said('i=1; mx; dmarc=fail'))], undefined],
  ['went through other hands before', [...hop(2), ...hop(1, seal('i=1; cv=none; d=other.test'))], undefined],
  ['is written oddly', hop(1, seal('I = 1;CV= none ;\tD=SEALER.test')), undefined],
  ['signs names far apart', hop(1, signature({ h: `from${' '.repeat(900_000)} to:from:to` })), undefined],
  ['has headers in any order', [...hop(1), ...hop(2)].toReversed(), undefined],
  ['is sealed by nobody', [], 'no whole chain'],
  ['is sealed often', many(10), undefined],
  ['is sealed too often', many(11), 'too many'],
  ['lacks the first seal', hop(2), 'no whole chain'],
  ['lacks a seal', [...hop(3), ...hop(1)], 'no whole chain'],
  ['has a set twice', [...hop(1), ...hop(1)], 'no whole chain'],
  ['has a word twice', [...hop(1), hop(1)[2]!], 'no whole chain'],
  ['has a word too many', [...hop(1), hop(2)[2]!], 'no whole chain'],
  ['has a signature too many', [...hop(1), hop(2)[1]!], 'no whole chain'],
  ['has no word', hop(1).slice(0, 2), 'no whole chain'],
  ['has an instance 01', hop('01', seal('i=01; cv=none; d=sealer.test')), 'no whole chain'],
  ['has an instance 0', hop(0, seal('i=0; cv=none; d=sealer.test')), 'no whole chain'],
  ['has no instance', hop(1, seal('cv=none; d=sealer.test')), 'no whole chain'],
  ['has two instances', hop(1, seal('i=1; i=2; cv=none; d=sealer.test')), 'no whole chain'],
  ['has two instances in its word', hop(1, said(`i=1; ${PASS}; i=2`)), 'no whole chain'],
  ['has its instance last in its word', hop(1, said(`${PASS}; i=1`)), 'no whole chain'],
  ['has a comment in its seal', hop(1, seal('i=1; cv=none; d=sealer.test (x)')), 'no whole chain'],
  ['has a word that does not end', hop(1, said(`i=1; ${PASS} (`)), 'no whole chain'],
  [
    'is broken as its sealer says',
    [...hop(2, seal('i=2; cv=fail; d=sealer.test')), ...hop(1)],
    'no whole chain',
  ],
  [
    'has an odd verdict on its chain',
    [...hop(2, seal('i=2; cv=Pass; d=sealer.test')), ...hop(1)],
    'no whole chain',
  ],
  ['begins with a verdict', hop(1, seal('i=1; cv=pass; d=sealer.test')), 'no whole chain'],
  ['is sealed by somebody else', hop(1, seal('i=1; cv=none; d=other.test')), 'not of a trusted sealer'],
  [
    'is sealed below the trusted one',
    hop(1, seal('i=1; cv=none; d=a.sealer.test')),
    'not of a trusted sealer',
  ],
  ['is sealed by nobody named', hop(1, seal('i=1; cv=none')), 'not of a trusted sealer'],
  [
    'is sealed by somebody else at last',
    [...hop(2, seal('i=2; cv=pass; d=other.test')), ...hop(1)],
    'not of a trusted sealer',
  ],
  ['is signed by somebody else', hop(1, signature({ d: 'other.test' })), 'of different domains'],
  ['is signed in part', hop(1, signature({ more: 'l=7; ' })), 'covers a part of it only'],
  ['is signed without To', hop(1, signature({ h: 'from:subject' })), 'does not cover'],
  ['is signed without From', hop(1, signature({ h: 'to:x-from' })), 'does not cover'],
  ['failed where it was sealed', hop(1, said('i=1; mx; dmarc=fail header.from=team.test')), 'dmarc=pass'],
  ['was not looked at', hop(1, said('i=1; mx; none')), 'dmarc=pass'],
  ['has the word for a name', hop(1, said('i=1; dmarc=pass header.from=team.test')), 'dmarc=pass'],
  ['passed as another', hop(1, said('i=1; mx; dmarc=pass header.from=evil.test')), 'of another domain'],
  ['passed as one below', hop(1, said('i=1; mx; dmarc=pass header.from=a.team.test')), 'of another domain'],
  ['passed and failed', hop(1, said(`i=1; ${PASS}; dmarc=fail header.from=team.test`)), 'dmarc=pass'],
  [
    'passed only before',
    [...hop(2, said('i=2; mx; arc=pass; dmarc=fail header.from=team.test')), ...hop(1)],
    'dmarc=pass',
  ],
  [
    'has a signature that leaves To out',
    [...hop(1), ['dkim-signature', 'v=1; d=team.test; h=from; b=y']],
    'a signature does not cover',
  ],
  [
    'has a signature over a part',
    [...hop(1), ['dkim-signature', 'v=1; d=team.test; l=7; h=from:to; b=y']],
    'covers a part of it only',
  ],
])('doubts a mail that %s as it should', (_what, lines, doubt) => {
  const mail = { lines: [...lines, ...MAIL], from: 'lead@team.test', tokenIn: 'to' as const };
  const found = doubtOfArcSets(mail, ['other-one.test', 'sealer.test']);
  if (doubt === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(doubt);
  expect(doubtOfArcSets(mail, [])).toBeTypeOf('string');
});

it('wants the header covered that has the token', () => {
  const mail = { lines: [...hop(1), ...MAIL], from: 'lead@team.test', tokenIn: 'cc' as const };
  expect(doubtOfArcSets(mail, ['sealer.test'])).toContain('does not cover');
});
