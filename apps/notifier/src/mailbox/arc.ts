import { z } from 'zod';
import { arcSets, doubtOfArcSets } from './arc-sets.js';
import { DnsAway, type ResolveRecords, type SignedMail } from './dmarc.js';

/** What DNS says of a name that it does not have. */
const NOT_THERE = ['ENOTFOUND', 'ENODATA'];

// What is read of mailauth's findings.
const findings = z.object({
  arc: z.object({
    status: z.object({ result: z.string() }),
    i: z.union([z.number(), z.literal(false)]).optional(),
    signature: z
      .union([
        z.literal(false),
        z.object({ status: z.object({ result: z.string() }), signatureTimeValid: z.boolean() }),
      ])
      .optional(),
  }),
});

/**
 * Why nobody whom we trust found that a forwarded mail came from its From (ARC, RFC 8617), or undefined when a trusted sealer did,
 * every seal of the chain is valid, and nobody changed the mail since.
 * @throws DnsAway when that cannot be told just now
 */
export async function doubtOfArc(
  mail: SignedMail,
  sealers: readonly string[],
  resolve: ResolveRecords,
): Promise<string | undefined> {
  const doubt = doubtOfArcSets(mail, sealers);
  if (doubt !== undefined) return doubt;
  let isAway = false;
  // To mailauth an answer that did not come makes a seal invalid for ever.
  const resolver: ResolveRecords = async (name, type) => {
    try {
      return await resolve(name, type);
    } catch (error) {
      isAway ||= !NOT_THERE.includes((error as { code?: string }).code ?? '');
      throw error;
    }
  };
  // Read only by a house that reads answers.
  const { authenticate } = await import('mailauth');
  const { arc } = findings.parse(
    await authenticate(mail.raw, { resolver, disableDmarc: true, disableBimi: true }),
  );
  const { signature } = arc;
  if (
    arc.status.result === 'pass' &&
    arc.i === arcSets(mail.lines)?.length &&
    signature &&
    signature.status.result === 'pass' &&
    signature.signatureTimeValid
  )
    return undefined;
  if (isAway) throw new DnsAway('DNS did not answer');
  return 'its ARC chain is not valid, or it was changed after its newest seal';
}
