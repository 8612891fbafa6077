import { BadInput, isSealingKey, sealTo, Unprocessable, type Secret } from '@lineclear/kit';

/** What a JWE takes of them, as base64 inside the contract's bound. */
const MAX_SEALED_BYTES = 299_000;

/** @throws BadInput when this is no key that values can be sealed to. */
export function requireSealable(publicKey: string): void {
  if (!isSealingKey(publicKey)) throw BadInput.at('public_key', 'is not an X25519 key (SPKI DER, base64)');
}

/** A JSON object of name to value that only the holder of the private key opens. @throws Unprocessable when it is too large, BadInput */
export async function sealValues(
  publicKey: string,
  found: ReadonlyMap<string, { readonly value: Secret }>,
): Promise<string> {
  const values = JSON.stringify(
    Object.fromEntries([...found].map(([name, { value }]) => [name, value.reveal()])),
  );
  if (Buffer.byteLength(values) > MAX_SEALED_BYTES)
    throw new Unprocessable('these secrets are too large to travel together');
  try {
    return await sealTo(publicKey, values);
  } catch (cause) {
    // A point of small order has the right form and still agrees on no key.
    throw new BadInput([{ path: 'public_key', message: 'cannot be sealed to' }], { cause });
  }
}
