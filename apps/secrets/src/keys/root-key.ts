/** What a wrapped key belongs to; wrapped for one context it does not open for another. */
export type RootContext = Readonly<Record<'purpose' | 'key_id', string>>;

/** What wraps the key-encryption keys: a master key of this house, or a service that never gives its own key away. */
export interface RootKey {
  /** Names it for people and in the table, without telling anything of the key: `local:4f1c…`, `aws-kms:<arn>`, `vault-transit:<mount>/<key>`. At most 300 characters. */
  readonly id: string;
  wrap(key: Buffer, context: RootContext): Promise<Buffer>;
  /** @throws CannotOpen when it was wrapped with another key or for another context; Unavailable when the service does not answer or refuses. */
  unwrap(wrapped: Buffer, context: RootContext): Promise<Buffer>;
}
