import type { Principal } from '@lineclear/contracts';
import { clientAddress } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Asker, FreshProof } from '../credentials/manage-factors.js';
import type { RelyingParty } from '../credentials/passkeys.js';
import type { FactorProof } from '../credentials/second-factors.js';
import { recoveryCodeIn } from '../domain/recovery-codes.js';
import { givenPassword } from './fields.js';

/** As apps show it: six digits, in two groups of three or not. */
export const totpCode = z
  .string()
  .trim()
  .max(10)
  .regex(/^\d{3} ?\d{3}$/, 'is not 6 digits')
  .transform((code) => code.replace(' ', ''));
const recoveryCode = z
  .string()
  .max(60)
  .transform((typed, context) => {
    const code = recoveryCodeIn(typed);
    if (code !== undefined) return code;
    context.addIssue({ code: 'custom', message: 'is not a recovery code (abcd-efgh-ijkl-mnop)' });
    return z.NEVER;
  });

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, 'is not base64url');
// What a browser makes of a passkey's answer (`toJSON()`). Members that are not read here come and go with its version.
const credential = { id: base64url.max(1_400), rawId: base64url.max(1_400), type: z.literal('public-key') };
export const attestation = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64url.max(8_000),
    attestationObject: base64url.max(16_000),
    transports: z.array(z.string().max(30)).max(10).optional(),
  }),
});
export const assertion = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64url.max(8_000),
    authenticatorData: base64url.max(8_000),
    signature: base64url.max(8_000),
    userHandle: base64url.max(100).nullish(),
  }),
});

/** A factor, as what is shown beside a password. */
export const factorFields = {
  code: totpCode.optional(),
  recovery_code: recoveryCode.optional(),
  passkey: assertion.optional(),
};
const proofFields = { current_password: givenPassword.optional(), ...factorFields };

/** Shown anew with what changes a person's factors. */
export const freshProof = z.strictObject(proofFields).refine((body) => shownOf(body) === 1, {
  path: ['current_password'],
  message: 'is needed, or one of `code`, `recovery_code` and `passkey`',
});

type FactorBody = z.infer<z.ZodObject<typeof factorFields>>;

/** How many proofs there are in a body. */
export const shownOf = (body: z.infer<z.ZodObject<typeof proofFields>>): number =>
  [body.current_password, body.code, body.recovery_code, body.passkey].filter((one) => one !== undefined)
    .length;

/** The factor in a body. `party` is asked only where a passkey is shown. */
export function factorOf(body: FactorBody, party: () => RelyingParty): FactorProof | undefined {
  if (body.code !== undefined) return { kind: 'totp', code: body.code };
  if (body.recovery_code !== undefined) return { kind: 'recovery_code', code: body.recovery_code };
  return body.passkey && { kind: 'passkey', assertion: body.passkey, party: party() };
}

export function proofOf(body: z.infer<typeof freshProof>, party: () => RelyingParty): FreshProof {
  return factorOf(body, party) ?? { kind: 'password', password: body.current_password ?? '' };
}

// What a browser's `navigator.credentials` takes is WebAuthn's to describe.
export const passkeyOptions = z.looseObject({ challenge: z.string() });

export const askerOf = (caller: Principal, request: FastifyRequest): Asker => ({
  caller,
  address: clientAddress(request),
});
