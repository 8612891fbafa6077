import { Secret } from 'otpauth';

export const RECOVERY_CODES = 10;
/** 80 bits: nobody guesses one, so that a fast hash is enough to keep it by. */
export const RECOVERY_CODE_BYTES = 10;

/** A code as people write it down: `abcd-efgh-ijkl-mnop`, of letters and the digits 2 to 7. */
export const recoveryCodeOf = (bytes: Uint8Array): string =>
  new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32.toLowerCase().replace(/.{4}(?=.)/g, '$&-');

/** The same code, however it was typed: without dashes and spaces, in either case. Undefined for what is none. */
export function recoveryCodeIn(typed: string): string | undefined {
  const bare = typed.toLowerCase().replace(/[\s-]/g, '');
  return /^[a-z2-7]{16}$/.test(bare) ? bare.replace(/.{4}(?=.)/g, '$&-') : undefined;
}
