import { Resolver } from 'node:dns/promises';
import { z } from 'zod';
import { valuesOf, type HeaderLine } from './header-lines.js';

const MAX_SIGNATURES = 10;
const DNS_WAITS_MS = 2_000;
const DNS_TRIES = 2;

/** The records of a name in DNS; rejects with Node's own codes. */
export type ResolveRecords = (name: string, type: string) => Promise<string[][] | string[]>;
export const RESOLVE_RECORDS = Symbol('resolve records');

export function systemResolver(): ResolveRecords {
  const resolver = new Resolver({ timeout: DNS_WAITS_MS, tries: DNS_TRIES });
  return async (name, type) => (await resolver.resolve(name, type)) as string[][] | string[];
}

/** DNS did not answer: whether a mail is genuine cannot be told just now. */
export class DnsAway extends Error {
  override readonly name = 'DnsAway';
}

export interface SignedMail {
  readonly raw: Buffer;
  readonly lines: readonly HeaderLine[];
  readonly from: string;
  /** The header that says what it answers: it must be signed too. */
  readonly tokenIn: 'to' | 'cc';
}

// What is read of mailauth's findings; its own types say otherwise.
const findings = z.object({
  dkim: z.object({
    results: z.array(
      z.object({
        status: z.object({ result: z.string(), aligned: z.union([z.string(), z.boolean()]).optional() }),
        signingDomain: z.string().optional(),
        algo: z.string().optional(),
        signatureTimeValid: z.boolean().optional(),
        signingHeaders: z.object({ keys: z.string() }).optional(),
      }),
    ),
  }),
  dmarc: z
    .union([
      z.literal(false),
      z.object({
        status: z.object({ result: z.string(), header: z.object({ d: z.string().optional() }).optional() }),
        alignment: z.object({ dkim: z.object({ strict: z.boolean() }) }).optional(),
      }),
    ])
    .optional(),
});

/** Why signatures prove nothing whoever made them, or undefined. */
export function doubtOfSignatures(signatures: readonly string[]): string | undefined {
  if (signatures.length > MAX_SIGNATURES) return 'it has too many signatures';
  // Anybody can add words below what such a signature covers.
  return signatures.some((signature) => /(?:^|;)\s*l\s*=/u.test(signature))
    ? 'a signature covers a part of it only'
    : undefined;
}

/** Why the domain of a mail's one From address does not vouch for it by an aligned signature (DMARC), or undefined when it does. */
export async function doubtOfDmarc(mail: SignedMail, resolve: ResolveRecords): Promise<string | undefined> {
  const signatures = valuesOf(mail.lines, 'dkim-signature');
  if (signatures.length === 0) return 'it is not signed';
  const odd = doubtOfSignatures(signatures);
  if (odd !== undefined) return odd;
  // Read only by a house that reads answers.
  const { authenticate } = await import('mailauth');
  const { dkim, dmarc } = findings.parse(
    await authenticate(mail.raw, { resolver: resolve, disableArc: true, disableBimi: true }),
  );
  const domain = mail.from.slice(mail.from.lastIndexOf('@') + 1);
  const isStrict = dmarc !== false && dmarc?.alignment?.dkim.strict === true;
  const isVouchedFor = dkim.results.some((signature) => {
    const signed = (signature.signingHeaders?.keys ?? '').toLowerCase().split(/:\s*/u);
    return (
      signature.status.result === 'pass' &&
      typeof signature.status.aligned === 'string' &&
      (!isStrict || signature.signingDomain?.toLowerCase() === domain) &&
      signature.signatureTimeValid === true &&
      !(signature.algo ?? '').toLowerCase().endsWith('sha1') &&
      ['from', mail.tokenIn].every((name) => signed.includes(name))
    );
  });
  if (dmarc && dmarc.status.result === 'pass' && dmarc.status.header?.d === domain && isVouchedFor)
    return undefined;
  const results = [dmarc ? dmarc.status.result : 'none', ...dkim.results.map(({ status }) => status.result)];
  if (results.includes('temperror')) throw new DnsAway('DNS did not answer');
  if (results[0] === 'none') return `${domain} has no DMARC record`;
  return `no valid signature of ${domain} covers its From and the address it answers`;
}
