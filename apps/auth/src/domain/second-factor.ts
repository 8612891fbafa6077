/** What somebody may show beside their password. */
export const FACTOR_KINDS = ['totp', 'passkey', 'recovery_code'] as const;
export type FactorKind = (typeof FACTOR_KINDS)[number];

/** What a person has by now. */
export interface Factors {
  readonly hasTotp: boolean;
  readonly passkeys: number;
  readonly recoveryCodes: number;
}

/** Whether a password alone is not enough. Recovery codes stand in for a factor and are none. */
export const needsSecondFactor = ({ hasTotp, passkeys }: Omit<Factors, 'recoveryCodes'>): boolean =>
  hasTotp || passkeys > 0;

/** What a person who has a second factor may show; nothing where their password is enough. */
export function acceptedKinds(factors: Factors): FactorKind[] {
  if (!needsSecondFactor(factors)) return [];
  const has = {
    totp: factors.hasTotp,
    passkey: factors.passkeys > 0,
    recovery_code: factors.recoveryCodes > 0,
  };
  return FACTOR_KINDS.filter((kind) => has[kind]);
}

/** How long a right password waits for the second factor, and how long a passkey has for its answer. */
export const TICKET_SECONDS = 300;
export const CHALLENGE_SECONDS = 300;
/** How long a new authenticator app has to show its first code. */
export const ENROLMENT_SECONDS = 600;
export const MAX_ATTEMPTS = 5;
export const MAX_PASSKEYS = 20;
