import type { Secret } from '@lineclear/kit';
import type { SourceName } from '../domain/lookup.js';

export interface Found {
  readonly value: Secret;
  /** Where the source keeps versions. */
  readonly version: number | null;
}

/** Whether a source has a name, told without its value. */
export interface Presence {
  readonly has: boolean;
  readonly version?: number;
  readonly note?: string;
}

/** Somewhere that secrets come from. An error is an error: it never means "not there", or a job would run on another key than it should. */
export interface SecretSource {
  readonly name: SourceName;
  find(scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>>;
  presence(scope: string, name: string): Promise<Presence>;
}
