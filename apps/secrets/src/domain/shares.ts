import { readScope, type Scope } from './scopes.js';

/** What whoever a secret is shared with may do: have its value, or set it too. */
export const ACCESS = ['read', 'write'] as const;
export type Access = (typeof ACCESS)[number];

/** With whom a secret is shared: a scope other than `global`, or whoever wants it. */
export const EVERYONE = 'everyone';

/** A share that counts. */
export interface Shared {
  readonly receiver: string;
  readonly ownerScope: string;
  readonly expiresAt: Date | null;
}

export const isLive = ({ expiresAt }: Pick<Shared, 'expiresAt'>, now: Date): boolean =>
  expiresAt === null || expiresAt > now;

/** Whether a share is for this scope, which then may give it a name of its own. Whose the secret is has it already. */
export const isFor = ({ receiver, ownerScope }: Shared, scope: string): boolean =>
  scope !== ownerScope && readScope(scope).kind !== 'global' && (receiver === EVERYONE || receiver === scope);

/** What is wrong with sharing a secret of one scope with another; undefined where nothing is. */
export function faultOfShare(owner: Scope, ownerScope: string, receiver: string): string | undefined {
  if (owner.kind === 'global') return 'the secret is everybody’s already';
  if (receiver === ownerScope) return 'is whose secret it is';
  return undefined;
}
