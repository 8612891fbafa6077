import { SYSTEM_LEVEL_NAMES, SYSTEM_LEVELS, PERMISSIONS, type Permission } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beyond, effectivePermissions, scopeOfNewKey, type Override } from './permissions.js';

// The permission matrix, written out once more: viewer, researcher, lead, admin.
const MATRIX: Readonly<Record<Permission, string>> = {
  'job.submit': '.✓✓✓',
  'job.view.own': '✓✓✓✓',
  'job.view.all': '..✓✓',
  'job.cancel.own': '.✓✓✓',
  'job.cancel.all': '...✓',
  'job.priority.high': '..✓✓',
  'job.bypass.queue': '...✓',
  'job.bypass.approval': '...✓',
  'config.view': '✓✓✓✓',
  'config.create': '.✓✓✓',
  'config.edit.own': '.✓✓✓',
  'config.edit.all': '...✓',
  'admin.users': '...✓',
  'admin.approve': '..✓✓',
  'admin.audit': '..✓✓',
  'admin.config': '...✓',
  'queue.approve': '..✓✓',
  'queue.manage': '...✓',
  'org.view': '..✓✓',
  'org.create': '...✓',
  'team.view': '..✓✓',
  'team.create': '..✓✓',
  'team.manage.members': '..✓✓',
};

const cells = Object.entries(MATRIX).flatMap(([permission, row]) =>
  SYSTEM_LEVEL_NAMES.map((level, column) => [level, permission as Permission, row[column] === '✓'] as const),
);

describe('the matrix', () => {
  it('has every permission there is', () => {
    expect(Object.keys(MATRIX).toSorted()).toEqual([...PERMISSIONS].toSorted());
  });

  it.each(cells)('a %s may %s: %s', (level, permission, may) => {
    expect(effectivePermissions(SYSTEM_LEVELS[level].permissions, []).includes(permission)).toBe(may);
  });
});

const anyPermission = fc.constantFrom<Permission>(...PERMISSIONS);
/** What a level has, one of the matrix or one that somebody made. */
const anyLevel = fc.oneof(
  fc.constantFrom(...SYSTEM_LEVEL_NAMES).map((name) => SYSTEM_LEVELS[name].permissions),
  fc.array(anyPermission),
);
const anyOverrides = fc.array(fc.record<Override>({ permission: anyPermission, granted: fc.boolean() }), {
  maxLength: 12,
});
const anyScope = fc.option(fc.array(anyPermission, { maxLength: 12 }), { nil: null });

describe('for any level, overrides and scope', () => {
  it('what is held is what one would say of each permission by itself', () => {
    fc.assert(
      fc.property(anyLevel, anyOverrides, anyScope, (level, overrides, scope) => {
        const naive = PERMISSIONS.filter((permission) => {
          const about = overrides.filter((one) => one.permission === permission);
          if (scope !== null && !scope.includes(permission)) return false;
          if (about.some(({ granted }) => !granted)) return false;
          return about.length > 0 || level.includes(permission);
        });
        expect(effectivePermissions(level, overrides, scope)).toEqual(naive);
      }),
    );
  });

  it('a denial wins over level and grants', () => {
    fc.assert(
      fc.property(anyLevel, anyOverrides, anyScope, anyPermission, (level, overrides, scope, denied) => {
        const shuffled = [
          { permission: denied, granted: false },
          ...overrides,
          { permission: denied, granted: true },
        ];
        expect(effectivePermissions(level, shuffled, scope)).not.toContain(denied);
      }),
    );
  });

  it('a grant gives what is not denied', () => {
    fc.assert(
      fc.property(anyLevel, anyPermission, (level, granted) => {
        expect(effectivePermissions(level, [{ permission: granted, granted: true }])).toContain(granted);
      }),
    );
  });

  it('a key never has more than its owner, nor more than its scope', () => {
    fc.assert(
      fc.property(anyLevel, anyOverrides, fc.array(anyPermission), (level, overrides, scope) => {
        const owner = effectivePermissions(level, overrides);
        const key = effectivePermissions(level, overrides, scope);
        expect(beyond(owner, key)).toEqual([]);
        expect(beyond(scope, key)).toEqual([]);
        expect([...key].toSorted()).toEqual(
          owner.filter((permission) => scope.includes(permission)).toSorted(),
        );
      }),
    );
  });

  it('a key that a key made never has more than that one, whatever becomes of its owner', () => {
    fc.assert(
      fc.property(
        anyLevel,
        anyOverrides,
        anyScope,
        fc.option(fc.array(anyPermission), { nil: undefined }),
        anyLevel,
        anyOverrides,
        (level, overrides, scope, wish, laterLevel, later) => {
          const maker = effectivePermissions(level, overrides, scope);
          const requested = wish?.filter((permission) => maker.includes(permission));
          const made = scopeOfNewKey(requested, scope);
          expect(
            beyond(
              effectivePermissions(laterLevel, later, scope),
              effectivePermissions(laterLevel, later, made),
            ),
          ).toEqual([]);
        },
      ),
    );
  });

  it('words that are no permissions give nothing', () => {
    const overrides = [{ permission: 'job.*', granted: true }];
    expect(effectivePermissions(SYSTEM_LEVELS.viewer.permissions, overrides, ['*', 'job.view.own'])).toEqual([
      'job.view.own',
    ]);
    expect(effectivePermissions(PERMISSIONS, [], [])).toEqual([]);
    expect(effectivePermissions(SYSTEM_LEVELS.viewer.permissions, overrides)).toEqual(
      SYSTEM_LEVELS.viewer.permissions,
    );
  });
});
