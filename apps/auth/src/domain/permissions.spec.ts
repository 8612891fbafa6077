import { LEVEL_PERMISSIONS, LEVELS, PERMISSIONS, type Level, type Permission } from '@lineclear/contracts';
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
  LEVELS.map((level, column) => [level, permission as Permission, row[column] === '✓'] as const),
);

describe('the matrix', () => {
  it('has every permission there is', () => {
    expect(Object.keys(MATRIX).toSorted()).toEqual([...PERMISSIONS].toSorted());
  });

  it.each(cells)('a %s may %s: %s', (level, permission, may) => {
    expect(effectivePermissions(level, []).includes(permission)).toBe(may);
  });
});

const anyLevel = fc.constantFrom<Level>(...LEVELS);
const anyPermission = fc.constantFrom<Permission>(...PERMISSIONS);
const anyOverrides = fc.array(fc.record<Override>({ permission: anyPermission, granted: fc.boolean() }), {
  maxLength: 12,
});
const anyScope = fc.option(fc.array(anyPermission, { maxLength: 12 }), { nil: null });

describe('for any level, overrides and scope', () => {
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
    expect(effectivePermissions('viewer', overrides, ['*', 'job.view.own'])).toEqual(['job.view.own']);
    expect(effectivePermissions('admin', [], [])).toEqual([]);
    expect(effectivePermissions('viewer', overrides)).toEqual(LEVEL_PERMISSIONS.viewer);
  });
});
