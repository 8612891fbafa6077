import { expect, it } from 'vitest';
import { doubtOfRelay } from './relay-word.js';

const PASS = 'mx.ours.test; spf=pass smtp.mailfrom=x.test; dmarc=pass (p=NONE) header.from=x.test';

it.each<[string, string[], string | undefined]>([
  ['passes', [PASS], undefined],
  ['is written oddly', ['MX.ours.test 1 ; DMARC = Pass (a (b) \\) c)\theader.from = X.test'], undefined],
  [
    'is quoted beside',
    ['mx.ours.test; dkim=pass reason="a; dmarc=fail" header.d=x.test; dmarc=pass header.from=x.test'],
    undefined,
  ],
  ['is missing', [], 'no Authentication-Results that can be read'],
  ['is of another relay', ['mx.evil.test; dmarc=pass header.from=x.test'], 'is not of the trusted relay'],
  ['stands below another', ['mx.evil.test; dmarc=fail', PASS], 'is not of the trusted relay'],
  [
    'only seems to be ours',
    ['mx.ours.test.evil.test; dmarc=pass header.from=x.test'],
    'is not of the trusted relay',
  ],
  [
    'is ours in a comment',
    ['(mx.ours.test;) mx.evil.test; dmarc=pass header.from=x.test'],
    'is not of the trusted relay',
  ],
  ['fails', ['mx.ours.test; dmarc=fail header.from=x.test'], 'does not say dmarc=pass'],
  [
    'passes in a comment',
    ['mx.ours.test; dmarc=fail (dmarc=pass header.from=x.test)'],
    'does not say dmarc=pass',
  ],
  [
    'passes in a quote',
    ['mx.ours.test; dkim=fail reason="; dmarc=pass header.from=x.test"'],
    'does not say dmarc=pass',
  ],
  [
    'has a quote in a comment',
    ['mx.ours.test; dmarc=fail (") reason="; dmarc=pass header.from=x.test" (")'],
    'does not say dmarc=pass',
  ],
  [
    'says both',
    ['mx.ours.test; dmarc=fail header.from=x.test; dmarc=pass header.from=x.test'],
    'does not say dmarc=pass',
  ],
  ['says nothing', ['mx.ours.test; none'], 'does not say dmarc=pass'],
  ['is of another domain', ['mx.ours.test; dmarc=pass header.from=evil.test'], 'of another domain'],
  ['names no domain', ['mx.ours.test; dmarc=pass'], 'of another domain'],
  [
    'names two domains',
    ['mx.ours.test; dmarc=pass header.from=evil.test header.from=x.test'],
    'of another domain',
  ],
  ['is torn', ['mx.ours.test; dmarc=pass (header.from=x.test'], 'no Authentication-Results that can be read'],
])('the word %s', (_what, values, doubt) => {
  const said = doubtOfRelay(values, 'mx.ours.test', 'x.test');
  if (doubt === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(doubt);
});

it('reads a long value in a time that grows with its length alone', () => {
  const spaces = ' '.repeat(900_000);
  expect(
    doubtOfRelay([`mx.ours.test;${spaces}dmarc=${spaces}pass header.from=x.test`], 'mx.ours.test', 'x.test'),
  ).toBe(undefined);
});
