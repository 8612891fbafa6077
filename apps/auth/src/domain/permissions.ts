import { PERMISSIONS, type Permission } from '@lineclear/contracts';
import type { UserKind } from './service-account.js';

/** One permission given to, or taken from, one person, whatever the level says. */
export interface Override {
  readonly permission: string;
  readonly granted: boolean;
}

/**
 * What a credential may do: the level's permissions and the granted ones, without the denied ones (a denial beats every
 * grant), and of these only what the credential's scope holds. `null` is a credential without a scope.
 */
export function effectivePermissions(
  levelPermissions: readonly string[],
  overrides: readonly Override[],
  scope: readonly string[] | null = null,
): Permission[] {
  const held = new Set(levelPermissions);
  for (const { permission, granted } of overrides) if (granted) held.add(permission);
  for (const { permission, granted } of overrides) if (!granted) held.delete(permission);
  return PERMISSIONS.filter(
    (permission) => held.has(permission) && (scope === null || scope.includes(permission)),
  );
}

/** What is a human's alone to decide: no program does it in the name of an account that is nobody's. */
const PEOPLE_ALONE: readonly Permission[] = ['admin.approve', 'queue.approve'];

/** What an account may do with a credential of this scope: a service account decides nothing, whatever its level. */
export function permissionsOf(
  account: {
    readonly level_permissions: readonly string[];
    readonly overrides: readonly Override[];
    readonly kind: UserKind;
  },
  scope: readonly string[] | null = null,
): Permission[] {
  const held = effectivePermissions(account.level_permissions, account.overrides, scope);
  return account.kind === 'person' ? held : beyond(PEOPLE_ALONE, held);
}

/** Those of `wanted` that are not among `held`. */
export const beyond = <P extends string>(held: readonly string[], wanted: readonly P[]): P[] =>
  wanted.filter((permission) => !held.includes(permission));

/**
 * The scope of a new key: what was asked for, or else that of the key it is made with, so that no key makes one that can
 * do more than itself. `null` (everything its owner may do) comes only from a credential without a scope.
 */
export const scopeOfNewKey = (
  requested: readonly Permission[] | undefined,
  makersScope: readonly string[] | null,
): readonly string[] | null => (requested === undefined ? makersScope : [...new Set(requested)]);
