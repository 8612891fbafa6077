import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';

/**
 * What stood in the way: `kubeconfig`, no cluster could be made out of it; `unauthorized` (401), the cluster does not know who
 * asks; `forbidden` (403), who asks may not; `conflict` (409), it is there already or was changed meanwhile; `busy` (429), ask
 * later; `invalid` (400, 413, 422), it can never be done; `unavailable`, everything else: 5xx, no answer, a cut connection.
 */
export type FailureKind =
  'kubeconfig' | 'unauthorized' | 'forbidden' | 'not found' | 'conflict' | 'busy' | 'invalid' | 'unavailable';

/** A cluster did not do what it was asked. The message is made here, of names alone: what a server says may quote a value. */
export class KubernetesFailure extends Error {
  override readonly name = 'KubernetesFailure';

  constructor(
    readonly kind: FailureKind,
    message: string,
    /** After how long the cluster wants to be asked again, where it says so. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

const MAX_RETRY_AFTER_SECONDS = 3_600;
const NAME = /^[A-Za-z0-9._[\]/-]{1,253}$/;
const status = z.object({
  details: z
    .object({
      kind: z.string().max(253).optional(),
      name: z.string().max(253).optional(),
      causes: z
        .array(z.object({ field: z.string().optional() }))
        .max(1_000)
        .optional(),
    })
    .optional(),
});

/** An answer that is none of success. `what` is what was asked: its method and path. */
export function failureOf(
  what: string,
  code: number,
  headers: IncomingHttpHeaders,
  body: string,
): KubernetesFailure {
  const retryAfter = retryAfterOf(headers['retry-after']);
  const fail = (kind: FailureKind, why: string): KubernetesFailure =>
    new KubernetesFailure(kind, `${what}: ${why} (${code})`, retryAfter);
  switch (code) {
    case 401:
      return fail('unauthorized', 'the cluster does not know who asks: the credentials expired or are wrong');
    case 403:
      return fail('forbidden', 'who asks may not do that');
    case 404:
      return fail('not found', missing(body));
    case 409:
      return fail('conflict', 'it is there already, or was changed meanwhile');
    case 429:
      return fail(
        'busy',
        `the cluster is busy${retryAfter === undefined ? '' : `, again in ${retryAfter} s`}`,
      );
    case 400:
    case 413:
    case 422:
      return fail('invalid', ['the cluster finds it invalid', ...fieldsOf(body)].join(', '));
    default:
      return fail('unavailable', 'the cluster cannot do it now');
  }
}

/** Seconds; a date, which the header may have too, is not waited for. */
const retryAfterOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,9}$/.test(header)
    ? Math.min(Number(header), MAX_RETRY_AFTER_SECONDS)
    : undefined;

/** What is not there may be the namespace rather than the object. */
function missing(body: string): string {
  const { kind, name } = detailsOf(body);
  return [kind, name].every((part) => part !== undefined && NAME.test(part))
    ? `there is no ${kind}/${name}`
    : 'it is not there';
}

const fieldsOf = (body: string): string[] =>
  (detailsOf(body).causes ?? [])
    .flatMap(({ field }) => (field !== undefined && NAME.test(field) ? [field] : []))
    .slice(0, 5);

function detailsOf(body: string): NonNullable<z.infer<typeof status>['details']> {
  try {
    return status.parse(JSON.parse(body)).details ?? {};
  } catch {
    return {};
  }
}
