import { areWithin, type Permission } from '@lineclear/contracts';
import { beyond, scopeOfNewKey } from './permissions.js';

/** What a key may do, from where and until when, beside the rights of its owner. `null` sets no bound. */
export interface KeyGrant {
  readonly scope: readonly string[] | null;
  readonly allowedCidrs: readonly string[] | null;
  readonly expiresAt: Date | null;
}

/** The credential that a key is made with: a session bounds nothing but by what its person may do now. */
export interface Maker extends KeyGrant {
  readonly permissions: readonly Permission[];
}

export interface KeyWish {
  readonly scope?: readonly Permission[] | undefined;
  readonly allowedCidrs?: readonly string[] | undefined;
  readonly expiresAt?: Date | undefined;
}

type KeyField = 'scoped_permissions' | 'allowed_cidrs' | 'expires_days';
export type GrantVerdict =
  | { readonly state: 'granted'; readonly grant: KeyGrant }
  | { readonly state: 'beyond_maker'; readonly field: KeyField; readonly why: string };

const refused = (field: KeyField, why: string): GrantVerdict => ({ state: 'beyond_maker', field, why });

/**
 * What a new key is granted: what was asked for, or else what its maker has. No key makes one that can do more, can be
 * used from elsewhere, or lives longer than itself. A key for a service account, whose rights are `accounts`, always has
 * its scope written down: the account may be given more one day than the maker ever had.
 */
export function grantOfNewKey(maker: Maker, wish: KeyWish, accounts?: readonly Permission[]): GrantVerdict {
  const missing = beyond(maker.permissions, wish.scope ?? []);
  if (missing.length > 0)
    return refused('scoped_permissions', `holds what the caller may not do: ${missing.join(', ')}`);
  const accountLacks = accounts === undefined ? [] : beyond(accounts, wish.scope ?? []);
  if (accountLacks.length > 0)
    return refused('scoped_permissions', `holds what the account may not do: ${accountLacks.join(', ')}`);
  if (wish.allowedCidrs !== undefined && !fromWithin(maker, wish.allowedCidrs))
    return refused('allowed_cidrs', 'holds networks that the key that makes it may not be used from');
  if (wish.expiresAt !== undefined && maker.expiresAt !== null && wish.expiresAt > maker.expiresAt)
    return refused(
      'expires_days',
      `is later than the end of the key that makes it, ${maker.expiresAt.toISOString()}`,
    );
  const scope =
    accounts === undefined
      ? scopeOfNewKey(wish.scope, maker.scope)
      : [...new Set(wish.scope ?? accounts.filter((one) => maker.permissions.includes(one)))];
  if (accounts !== undefined && scope?.length === 0)
    return refused('scoped_permissions', 'would be empty: the caller may do nothing that the account may do');
  return {
    state: 'granted',
    grant: {
      scope,
      allowedCidrs: wish.allowedCidrs ?? maker.allowedCidrs,
      expiresAt: wish.expiresAt ?? maker.expiresAt,
    },
  };
}

/**
 * What the key in the place of another is granted: the same, for as long as that one was made for, but no longer than
 * the key that makes it lives. `isOwn`: both keys are of one owner, so that their scopes say which of them can do more.
 */
export function grantOfRotated(
  maker: Maker,
  key: KeyGrant & { readonly createdAt: Date },
  now: Date,
  isOwn: boolean,
): GrantVerdict {
  const held = isOwn ? maker.scope : maker.permissions;
  if (held !== null && (key.scope === null || beyond(held, key.scope).length > 0))
    return refused('scoped_permissions', 'the key may do what the caller may not');
  if (!fromWithin(maker, key.allowedCidrs))
    return refused('allowed_cidrs', 'the key may be used from where the caller’s may not');
  const lifetimeMs = key.expiresAt && key.expiresAt.getTime() - key.createdAt.getTime();
  const renewed = lifetimeMs === null ? null : new Date(now.getTime() + lifetimeMs);
  const expiresAt = earlier(renewed, maker.expiresAt);
  return { state: 'granted', grant: { scope: key.scope, allowedCidrs: key.allowedCidrs, expiresAt } };
}

/** Whether a key with these networks could be used from nowhere that the maker cannot. */
export const fromWithin = (maker: Pick<KeyGrant, 'allowedCidrs'>, cidrs: readonly string[] | null): boolean =>
  maker.allowedCidrs === null || (cidrs !== null && areWithin(maker.allowedCidrs, cidrs));

/** Of two ends the one that comes first; `null` never comes. */
export const earlier = (one: Date | null, other: Date | null): Date | null => {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
};
