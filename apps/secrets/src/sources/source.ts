import type { Secret } from '@lineclear/kit';
import type { Asker, SourceName } from '../domain/lookup.js';

export interface Found {
  readonly value: Secret;
  /** Whether `${NAME}` in it stands for the value of another secret. */
  readonly isTemplate?: boolean;
  /** That a run gets it only for a job that somebody has approved with it. */
  readonly needsApproval?: boolean;
  /** Where the source counts versions. */
  readonly version: number | null;
  /** Where the source names versions instead. */
  readonly versionId?: string;
  /** Where exactly in the source: the name of a file or of an AWS secret. */
  readonly note?: string;
}

/** Whether a source has a name, told without its value. */
export interface Presence {
  readonly has: boolean;
  readonly version?: number;
  readonly versionId?: string;
  readonly note?: string;
  /** Of what is remembered, the time since the source said so. */
  readonly cacheAgeSeconds?: number;
  /** It is older than it should be: a newer one is being fetched, or could not be (`error`). */
  readonly stale?: boolean;
  readonly error?: string;
}

/** Somewhere that secrets come from. An error is an error: it never means "not there", or a job would run on another key than it should. */
export interface SecretSource {
  readonly name: SourceName;
  /** `asker` matters where values are made for who asks. */
  find(scope: string, names: readonly string[], asker?: Asker): Promise<ReadonlyMap<string, Found>>;
  presence(scope: string, name: string, asker?: Asker): Promise<Presence>;
}

/** What is told of a find. */
export const presenceOf = (found: Found | undefined): Presence => ({
  has: found !== undefined,
  ...(found?.version == null ? {} : { version: found.version }),
  ...(found?.versionId === undefined ? {} : { versionId: found.versionId }),
  ...(found?.note === undefined ? {} : { note: found.note }),
});
