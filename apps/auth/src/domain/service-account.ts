/** A person, or an account for programs alone: it has keys and no password. */
export type UserKind = 'person' | 'service';

/** The service account of who is let in for the network they come from. */
export const INTERNAL_ACCOUNT = 'internal';

/**
 * The address that other services know an account by. Service accounts may have none: they get one that no mail ever
 * reaches (RFC 2606) and that nobody else has.
 */
export const addressOf = (account: { readonly id: number; readonly email: string | null }): string =>
  account.email ?? `service-${account.id}@service.invalid`;
