import type { UserKind } from './service-account.js';

export interface ResetCandidate {
  readonly kind: UserKind;
  readonly is_active: boolean;
  readonly email: string | null;
  readonly password_hash: string | null;
}

/** Whether it is by a password of this house that somebody logs in who can be reached by mail: only then it is theirs to reset. */
export const mayReset = <C extends ResetCandidate>(
  account: C,
  isOfProvider: boolean,
): account is C & { readonly email: string } =>
  account.kind === 'person' &&
  account.is_active &&
  account.email !== null &&
  account.password_hash !== null &&
  !isOfProvider;
