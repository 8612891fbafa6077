import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { tokenOf, type Addressed } from './reply-token.js';

const OURS = 'approvals@lineclear.test';
const A = 'mfrggzdfmztwq2lknnwg23tpob';
const B = 'onxw2zlunbuw4zzamvwhgzjanf';
const at = (token: string): string => `approvals+${token}@lineclear.test`;
const sha256 = createHash('sha256').update(A).digest('hex');
const nobody: Addressed = { to: [], cc: [], delivered: [] };

it.each<[string, Partial<Addressed>, object]>([
  ['in To', { to: [at(A)] }, { sha256, in: 'to' }],
  ['in Cc, beside others', { to: ['ada@x.test'], cc: ['bob@x.test', at(A)] }, { sha256, in: 'cc' }],
  ['in capitals', { to: [at(A).toUpperCase()] }, { sha256, in: 'to' }],
  ['delivered to what To says', { to: [at(A)], delivered: [`<${at(A)}>`, OURS] }, { sha256, in: 'to' }],
  ['twice the same', { to: [at(A), at(A)] }, { sha256, in: 'to' }],
  ['nowhere', { to: [OURS] }, { refused: 'it is addressed to no token of ours' }],
  [
    'of another domain',
    { to: [`approvals+${A}@evil.test`] },
    { refused: 'it is addressed to no token of ours' },
  ],
  ['below our domain', { to: [`approvals+${A}@x.lineclear.test`] }, { refused: expect.any(String) }],
  ['of another mailbox', { to: [`other+${A}@lineclear.test`] }, { refused: expect.any(String) }],
  ['too short', { to: [at('mfrggzdf')] }, { refused: expect.any(String) }],
  ['no base32', { to: [at(`${A}18`)] }, { refused: expect.any(String) }],
  ['two of them', { to: [at(A)], cc: [at(B)] }, { refused: 'it is addressed to more than one token' }],
  [
    'delivered to another',
    { to: [at(A)], delivered: [at(B)] },
    { refused: expect.stringContaining('more than one') },
  ],
  [
    'in the envelope alone',
    { to: [OURS], delivered: [at(A)] },
    { refused: expect.stringContaining('envelope') },
  ],
])('%s', (_what, addressed, found) => {
  expect(tokenOf({ ...nobody, ...addressed }, OURS)).toEqual(found);
});

it('never says the token itself', () => {
  expect(JSON.stringify(tokenOf({ ...nobody, to: [at(A)] }, OURS))).not.toContain(A);
});
