import type { FailureCause } from '@lineclear/contracts';
import type { Secret } from '@lineclear/kit';
import type { Progress, RemoteState } from '../domain/run.js';
import type { PollPolicy } from '../domain/schedule.js';
import type { Rate } from '../domain/token-bucket.js';
import type { ArrivedWebhook, AskedWebhook, Hint } from './webhook.js';

/** The provider's own credential, read for this call. */
export type Credential = Secret | undefined;

/** A secret, and its name. */
export interface GivenSecret {
  readonly name: string;
  readonly value: Secret;
}

export interface GivenFile extends GivenSecret {
  /** `key.pem`, in the folder of the secret, or `~/.ssh/id_ed25519`. */
  readonly file: string;
  /** The variable that is to say where it is. */
  readonly variable: string | undefined;
}

export interface Submission {
  /** Goes onto the remote object: the run is found by it when the answer is lost. */
  readonly runKey: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hardware: string;
  /** The secrets that the run gets in environment variables, and those in files. */
  readonly env: ReadonlyMap<string, GivenSecret>;
  readonly files: readonly GivenFile[];
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  /** Where it keeps its checkpoints; an attempt that is not the first goes on from there. */
  readonly checkpointPath: string | null;
  /** Where its provider may say that something happened to it. */
  readonly webhook?: AskedWebhook | undefined;
}

/** What a look at a run showed. */
export interface Observation {
  /** Undefined when the provider used a word that we do not know: `word` is it. */
  readonly state: RemoteState | undefined;
  readonly word: string;
  readonly message?: string;
  readonly progress?: Progress;
  /** What the provider itself says it costs so far. */
  readonly costUsd?: number;
  readonly exitCode?: number;
  readonly endedAt?: Date;
  /** Of a run that failed. */
  readonly cause?: FailureCause;
}

/** One of an account's remote objects, as a list shows it. */
export interface Listed {
  readonly externalId: string;
  readonly seen: Observation;
  /** Our key, where it is one of ours. */
  readonly runKey?: string;
  /** What people call it there. */
  readonly title?: string;
  readonly createdAt?: Date;
}

export interface LogPart {
  readonly text: string;
  /** Where the next part begins when so many characters of this one were taken; means something to the adapter only. */
  cursorAt(taken: number): string;
  readonly more: boolean;
  /** Names of secrets whose values the adapter itself took out of the output, at any time. */
  readonly hidden?: readonly string[];
}

/** Waits until one more call may be made for a list: asked before each page but the first. @throws Later when that takes too long */
export type NextPage = () => Promise<void>;

/** What a provider can do, and how it likes to be treated. */
export interface Capabilities {
  readonly cancel: boolean;
  readonly logs: boolean;
  /** Whether a run can be given secrets in files. */
  readonly files: boolean;
  /** Whether a cancel takes the run away, so that afterwards it is not there to be seen as stopped. */
  readonly cancelRemoves?: boolean;
  /** How long after one cancel the next may be sent when the run still goes on. */
  readonly cancelAgainMs: number;
  readonly poll: PollPolicy;
  /** Output is read at most this often while a run goes on. */
  readonly logsEveryMs: number;
  /** Calls that may be under way at a time. */
  readonly maxCalls: number;
  /** How many calls one account may make: on average, and at once after a pause. Without it, as many as `maxCalls` lets through. */
  readonly rate?: Rate;
}

/** One way of running things. Each call is bounded in time, and says by ProviderFailure what went wrong. */
export interface Adapter {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** The name of the secret that every call needs, if there is one. */
  readonly authSecret: string | undefined;
  /** The name of the secret that its webhooks are proven with, where it may send some. */
  readonly webhookSecret?: string | undefined;
  submit(submission: Submission, credential: Credential): Promise<{ externalId: string }>;
  /**
   * Looks for a run by our key; null means that there definitely is none. `since` is when the call that may have made it was made;
   * `mayArrive` says that it may still be on its way there, so that what it needs must be left.
   */
  find(
    runKey: string,
    credential: Credential,
    since?: Date,
    mayArrive?: boolean,
  ): Promise<{ externalId: string } | null>;
  /** Looks at runs; one that the provider does not know is not in the answer. */
  get(externalIds: readonly string[], credential: Credential): Promise<ReadonlyMap<string, Observation>>;
  /**
   * Everything that the account has there and that may still change, in as few calls as the provider needs; `externalIds` are
   * those we would like to hear of. Whatever is not in it is asked for by `get`. Absent where the provider cannot list.
   */
  list?(
    externalIds: readonly string[],
    credential: Credential,
    nextPage?: NextPage,
  ): Promise<readonly Listed[]>;
  /** Stops a run; one that is over or gone already is no error. */
  cancel(externalId: string, credential: Credential): Promise<void>;
  /** Takes away what still costs of a run whose end and output are known; one that is gone is no error. Absent where nothing is left. */
  release?(externalId: string, credential: Credential): Promise<void>;
  /** What its kinds of machines cost now. */
  prices?(
    credential: Credential,
  ): Promise<ReadonlyMap<string, { readonly usdPerHour: number; readonly gpus: number }>>;
  /** Output after `cursor`. While the run goes on only whole lines: a word must not be cut in two, or it could not be redacted. */
  logs(externalId: string, cursor: string | null, isOver: boolean, credential: Credential): Promise<LogPart>;
  /** What a webhook says to look at; undefined where it is not certain that the provider sent it, and lately. Never how a run is. */
  verifyWebhook?(webhook: ArrivedWebhook): Hint | undefined;
  close(): Promise<void>;
}

/**
 * What a failed call means. `refused`: the provider will never take this. `denied`: it does not take our credential. `not sent`: the call cannot have had an effect.
 * `busy`: it said "later", and did nothing. `exists`: there is a run with this key. `unknown`: nobody knows what it did.
 */
export type FailureKind = 'refused' | 'denied' | 'not sent' | 'busy' | 'exists' | 'unknown';

export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';

  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** It answered, and its answer does not settle what was asked: nothing follows for the run, but the provider is there. */
export class Unsettled extends ProviderFailure {
  constructor(message: string) {
    super('unknown', message);
  }
}
