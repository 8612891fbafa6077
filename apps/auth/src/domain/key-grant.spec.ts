import {
  areWithin,
  PERMISSIONS,
  SYSTEM_LEVEL_NAMES,
  SYSTEM_LEVELS,
  type Permission,
} from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantOfNewKey, grantOfRotated, type KeyGrant, type Maker } from './key-grant.js';
import { beyond, effectivePermissions, type Override } from './permissions.js';

const at = (day: number): Date => new Date(Date.UTC(2026, 0, 1 + day));
const maker = (more: Partial<Maker> = {}): Maker => ({
  permissions: ['job.submit', 'job.view.own'],
  scope: null,
  allowedCidrs: null,
  expiresAt: null,
  ...more,
});

describe('a new key', () => {
  it.each([
    ['what was asked for', {}, { scope: ['job.submit', 'job.submit'] }, { scope: ['job.submit'] }],
    ['its maker’s scope', { scope: ['job.submit'] }, {}, { scope: ['job.submit'] }],
    ['its maker’s networks', { allowedCidrs: ['10.0.0.0/8'] }, {}, { allowedCidrs: ['10.0.0.0/8'] }],
    [
      'fewer networks',
      { allowedCidrs: ['10.0.0.0/8'] },
      { allowedCidrs: ['10.1.0.0/16'] },
      { allowedCidrs: ['10.1.0.0/16'] },
    ],
    ['its maker’s end', { expiresAt: at(9) }, {}, { expiresAt: at(9) }],
    ['an earlier end', { expiresAt: at(9) }, { expiresAt: at(3) }, { expiresAt: at(3) }],
  ] as const)('has %s', (_, makers, wish, grant) => {
    expect(grantOfNewKey(maker(makers), wish)).toEqual({
      state: 'granted',
      grant: { scope: null, allowedCidrs: null, expiresAt: null, ...grant },
    });
  });

  it.each([
    ['scoped_permissions', {}, { scope: ['admin.users'] }],
    ['allowed_cidrs', { allowedCidrs: ['10.0.0.0/8'] }, { allowedCidrs: ['10.0.0.0/7'] }],
    ['expires_days', { expiresAt: at(9) }, { expiresAt: at(10) }],
  ] as const)('never has more %s than its maker', (field, makers, wish) => {
    expect(grantOfNewKey(maker(makers), wish)).toMatchObject({ state: 'beyond_maker', field });
  });

  it.each([
    ['all that both may do', ['job.submit', 'config.view'], undefined, ['job.submit']],
    ['what was asked for', ['job.submit', 'job.view.own'], ['job.view.own'], ['job.view.own']],
  ] as const)('of a service account has %s', (_, accounts, scope, expected) => {
    expect(grantOfNewKey(maker(), { scope }, accounts)).toMatchObject({ grant: { scope: expected } });
  });

  it.each([
    ['beyond the account', ['config.view'], ['job.submit']],
    ['beyond the maker', ['config.view'], ['config.view']],
    ['of nothing', ['config.view'], undefined],
  ] as const)('of a service account has no scope %s', (_, accounts, scope) => {
    expect(grantOfNewKey(maker(), { scope }, accounts)).toMatchObject({ field: 'scoped_permissions' });
  });
});

describe('a key in the place of another', () => {
  const key = { scope: ['job.submit'], allowedCidrs: ['10.0.0.0/8'], createdAt: at(0), expiresAt: at(30) };

  it.each([
    ['for as long again', {}, at(50)],
    ['until its maker ends', { scope: ['job.submit'], expiresAt: at(30) }, at(30)],
  ] as const)('has the same, %s', (_, makers, expiresAt) => {
    const { createdAt: _made, ...grant } = key;
    expect(grantOfRotated(maker(makers), key, at(20), true)).toEqual({
      state: 'granted',
      grant: { ...grant, expiresAt },
    });
  });

  it.each([
    ['a scope the maker lacks', { scope: ['job.view.own'] }, key, true],
    ['no scope where the maker has one', { scope: ['job.submit'] }, { ...key, scope: null }, true],
    ['an account’s scope beyond the maker', { permissions: ['job.view.own'] }, key, false],
    ['networks the maker lacks', { allowedCidrs: ['192.0.2.0/24'] }, key, true],
    ['any network', { allowedCidrs: ['10.0.0.0/8'] }, { ...key, allowedCidrs: null }, true],
  ] as const)('is refused with %s', (_, makers, old, isOwn) => {
    expect(grantOfRotated(maker(makers), old, at(1), isOwn).state).toBe('beyond_maker');
  });
});

describe('for any chain of keys made by keys', () => {
  const anyLevel = fc.constantFrom(...SYSTEM_LEVEL_NAMES).map((name) => SYSTEM_LEVELS[name].permissions);
  const anyPermissions = fc.array(fc.constantFrom<Permission>(...PERMISSIONS), { maxLength: 8 });
  const anyOverrides = fc.array(
    fc.record<Override>({ permission: fc.constantFrom(...PERMISSIONS), granted: fc.boolean() }),
    { maxLength: 8 },
  );
  const anyCidrs = fc.array(
    fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '192.0.2.0/24', '2001:db8::/32'),
    { minLength: 1, maxLength: 3 },
  );
  const owner = fc.record({ level: anyLevel, overrides: anyOverrides });
  const step = fc.record({
    /** The rights the owner and the service account have when the key is made. */
    owner,
    account: owner,
    how: fc.constantFrom('own', 'rotate', 'account'),
    /** Asked for within what is allowed, so that chains grow long, or just so. */
    within: fc.boolean(),
    scope: fc.option(anyPermissions, { nil: undefined }),
    allowedCidrs: fc.option(anyCidrs, { nil: undefined }),
    expiresAt: fc.option(fc.integer({ min: 1, max: 400 }).map(at), { nil: undefined }),
  });
  interface Made extends KeyGrant {
    readonly createdAt: Date;
    readonly isAccounts: boolean;
  }

  it('no key can do more than its maker and its owner, from elsewhere, or for longer', () => {
    const seen = { granted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), owner, owner, (steps, laterOwner, laterAccount) => {
        const rights = (
          { level, overrides }: { level: readonly Permission[]; overrides: Override[] },
          scope: Made['scope'],
        ) => effectivePermissions(level, overrides, scope);
        let maker: Made = {
          scope: null,
          allowedCidrs: null,
          expiresAt: null,
          createdAt: at(0),
          isAccounts: false,
        };
        for (const { owner: now, account, how, within, ...asked } of steps) {
          const permissions = rights(maker.isAccounts ? account : now, maker.scope);
          const accounts = how === 'account' && !maker.isAccounts ? rights(account, null) : undefined;
          const scope = within
            ? asked.scope?.filter(
                (one) => permissions.includes(one) && (accounts ?? permissions).includes(one),
              )
            : asked.scope;
          const verdict =
            how === 'rotate'
              ? grantOfRotated({ ...maker, permissions }, maker, at(1), true)
              : grantOfNewKey({ ...maker, permissions }, { ...asked, scope }, accounts);
          seen[verdict.state === 'granted' ? 'granted' : 'refused'] += 1;
          if (verdict.state !== 'granted') continue;
          const made: Made = {
            ...verdict.grant,
            createdAt: at(1),
            isAccounts: maker.isAccounts || accounts !== undefined,
          };
          const whose = made.isAccounts ? laterAccount : laterOwner;
          const can = rights(whose, made.scope);
          expect(beyond(rights(whose, null), can)).toEqual([]);
          // Of one owner: whatever becomes of them. For an account: whatever becomes of it, never more than the maker could.
          const bound = accounts === undefined ? rights(whose, maker.scope) : permissions;
          expect(beyond(bound, can)).toEqual([]);
          if (maker.allowedCidrs !== null)
            expect(areWithin(maker.allowedCidrs, made.allowedCidrs ?? ['::/1'])).toBe(true);
          if (maker.expiresAt !== null)
            expect(made.expiresAt?.getTime()).toBeLessThanOrEqual(maker.expiresAt.getTime());
          maker = made;
        }
      }),
      { numRuns: 1_000 },
    );
    // It says something only if both happen often.
    expect(Math.min(seen.granted, seen.refused)).toBeGreaterThan(200);
  });
});
