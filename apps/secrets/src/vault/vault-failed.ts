import { Unavailable } from '@lineclear/kit';
import type { VaultFault } from '../domain/vault-answer.js';

/** Vault did not do what it was asked. The message names what was asked for, never a value, a token, or the server's own words. */
export class VaultFailed extends Unavailable {
  override readonly headers: { 'retry-after': string };
  /** Of the reasons we know (domain/vault-answer.ts), the one it gave. */
  readonly reason: string | undefined;

  constructor(
    readonly fault: VaultFault,
    message: string,
    more: { readonly retryAfterSeconds?: number | undefined; readonly reason?: string | undefined } = {},
  ) {
    super(`Vault: ${message}`);
    this.reason = more.reason;
    this.headers = { 'retry-after': String(Math.max(1, Math.ceil(more.retryAfterSeconds ?? 2))) };
  }
}
