import type { FakeTransitKey } from './transit.js';
import type { FakeLease, FakeTtl } from './tokens.js';

/** How a call goes wrong: an error answer; one that waits for something; no answer ever; the connection cut before the work is done, or after it. */
export type VaultFault =
  | {
      readonly status: number;
      readonly retryAfterSeconds?: number;
      readonly text?: string;
      readonly location?: string;
    }
  | { readonly until: Promise<unknown> }
  | 'hang'
  | 'cut before'
  | 'cut after';

export interface FakeVaultOptions {
  /** Milliseconds since 1970 as the server sees it; the real time without. */
  readonly nowMs?: () => number;
  /** PEM; speaks https with it. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface FakeVaultCall {
  readonly method: string;
  /** Below `/v1/`. */
  readonly path: string;
  readonly namespace: string;
  readonly token: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FakeRole extends FakeTtl {
  readonly mount?: string;
  readonly namespace?: string;
}

/** Credentials that are made when their path is read: a user and a password, or what is told. */
export interface FakeDynamic extends FakeTtl {
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface FakeVault {
  readonly url: string;
  readonly rootToken: string;
  /** The latest calls (at most 10,000), oldest first. */
  readonly calls: readonly FakeVaultCall[];
  /** How many calls went to a path that begins so. */
  callsTo(prefix: string): number;
  mountKv(mount: string, version: 1 | 2, namespace?: string): void;
  /** Writes a secret as it would come over HTTP. */
  put(mount: string, path: string, data: Readonly<Record<string, unknown>>, namespace?: string): void;
  softDelete(mount: string, path: string): void;
  /** Reading this path makes new credentials with a lease. */
  addDynamic(path: string, ttl: FakeDynamic): void;
  removeDynamic(path: string): void;
  addKubernetesRole(role: string, jwt: string, options: FakeRole): void;
  addAppRole(roleId: string, secretId: string, options: FakeRole): void;
  mountTransit(mount: string, keys: Readonly<Record<string, FakeTransitKey>>): void;
  issueToken(ttl: FakeTtl | 'for ever', namespace?: string): string;
  revokeToken(token: string): void;
  /** From now on no token but root's may use paths that begin so, or may again. */
  deny(prefix: string): void;
  allow(prefix: string): void;
  liveLeases(path: string): readonly FakeLease[];
  revokeLease(id: string): void;
  seal(sealed: boolean): void;
  /** The next `times` calls to paths that begin so go wrong. */
  failNext(prefix: string, times: number, fault: VaultFault): void;
  close(): Promise<void>;
}
