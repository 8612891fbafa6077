export const SIGNATURES = ['hmac', 'ed25519'] as const;
export type Signature = (typeof SIGNATURES)[number];

/** What signs a webhook: its secret, and a private key when it has a public one. Both are in the secrets service. */
export interface SigningKeys {
  /** Part of the secret's name there; empty for a channel's first. */
  readonly id: string;
  /** `whpk_…`, or null where the secret signs alone. */
  readonly publicKey: string | null;
}

/** The keys of a webhook, and those before them while receivers may still know only those. */
export interface WebhookKeys extends SigningKeys {
  readonly previous: (SigningKeys & { readonly endsAt: string }) | null;
}

export const FIRST_KEYS: WebhookKeys = { id: '', publicKey: null, previous: null };

export const signatureOf = ({ publicKey }: SigningKeys): Signature =>
  publicKey === null ? 'hmac' : 'ed25519';

export const hasPrevious = ({ previous }: WebhookKeys, now: Date): boolean =>
  previous !== null && new Date(previous.endsAt) > now;

/** All that sign now, newest first. */
export const signingNow = (keys: WebhookKeys, now: Date): readonly SigningKeys[] =>
  keys.previous && hasPrevious(keys, now) ? [keys, keys.previous] : [keys];

export interface SecretNames {
  readonly secret: string;
  readonly privateKey?: string;
}

/** The names under which the secrets service keeps them. */
export function secretNames(channelId: number, keys: SigningKeys): SecretNames {
  const secret = `channel.${channelId}.webhook_secret${keys.id === '' ? '' : `.${keys.id}`}`;
  if (keys.publicKey === null) return { secret };
  // Named for its public half: whatever happens at the same time, the two stay together.
  const half = Buffer.from(keys.publicKey.slice('whpk_'.length), 'base64').toString('base64url');
  return { secret, privateKey: `channel.${channelId}.webhook_private_key.${half}` };
}

export const allSecretNames = (channelId: number, keys: SigningKeys): readonly string[] => {
  const { secret, privateKey } = secretNames(channelId, keys);
  return privateKey === undefined ? [secret] : [secret, privateKey];
};
