import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localConfig, variableName } from '@lineclear/contracts';
import { bytesOf, CannotRun, lookAt, RunFolder, startRun, stopRun } from '@lineclear/processes';
import {
  ProviderFailure,
  type Adapter,
  type Capabilities,
  type LogPart,
  type Observation,
  type Submission,
} from './adapter.js';
import { runKeyOf } from '../domain/run.js';
import { configOf } from './job-config.js';

const GROUP_WAIT_MS = 1_000;

export interface LocalOptions {
  readonly runsDir: string;
  readonly stopGraceMs: number;
  /** Of this service's own environment a run gets these two and nothing else. */
  readonly path: string;
  readonly lang: string;
}

/**
 * Processes on this machine. Each run has a folder named by its key; everything that is known of it is in there, so that a
 * poller that was killed finds its runs again, and what ended meanwhile too.
 */
export class LocalAdapter implements Adapter {
  readonly authSecret = undefined;
  readonly capabilities: Capabilities = {
    cancel: true,
    logs: true,
    files: true,
    cancelAgainMs: GROUP_WAIT_MS,
    poll: { baseMs: 1_000, maxMs: 1_000 },
    logsEveryMs: 0,
    maxCalls: 32,
  };

  constructor(
    readonly name: string,
    private readonly options: LocalOptions,
  ) {}

  async submit(submission: Submission): Promise<{ externalId: string }> {
    const { command, env, working_directory: workingDirectory } = configOf(localConfig, submission);
    refuseBadVariables(submission);
    const resumeFrom = await this.#checkpointsBefore(submission);
    const order = { ...submission, command, env, workingDirectory, secrets: submission.env, resumeFrom };
    try {
      await startRun(this.#folder(submission.runKey), order, this.options);
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error;
      const kind = error.kind === 'refused' ? 'refused' : 'not sent';
      throw new ProviderFailure(kind, error.message, undefined, { cause: error });
    }
    return { externalId: submission.runKey };
  }

  /** Not found means that no supervisor has taken the folder; one that comes later still starts the command only once. */
  async find(runKey: string): Promise<{ externalId: string } | null> {
    return (await this.#folder(runKey).state()).is === 'unknown' ? null : { externalId: runKey };
  }

  async get(externalIds: readonly string[]): Promise<ReadonlyMap<string, Observation>> {
    const looks = await Promise.all(
      externalIds.map(async (id) => [id, await lookAt(this.#folder(id))] as const),
    );
    return new Map(looks.flatMap(([id, look]) => (look ? [[id, look]] : [])));
  }

  /** Asks the run's processes to stop, and after the grace time kills them. */
  async cancel(externalId: string): Promise<void> {
    await stopRun(this.#folder(externalId), this.options.stopGraceMs);
  }

  async logs(externalId: string, cursor: string | null, isOver: boolean): Promise<LogPart> {
    const from = Number(cursor ?? 0);
    const folder = this.#folder(externalId);
    const [{ bytes, more }, hidden] = [await folder.readLog(from, isOver), await folder.hidden()];
    const text = bytes.toString('utf8');
    const cursorAt = (taken: number): string => String(from + bytesOf(bytes, text.length, taken));
    return { text, cursorAt, more, hidden };
  }

  async close(): Promise<void> {}

  /** The checkpoints of the last attempt before this one that left any. */
  async #checkpointsBefore({ jobId, attempt, checkpointPath }: Submission): Promise<string | undefined> {
    if (checkpointPath !== null) return undefined;
    for (let earlier = attempt - 1; earlier > 0; earlier -= 1) {
      const { checkpoints } = this.#folder(runKeyOf(jobId, earlier));
      if ((await readdir(checkpoints).catch(() => [])).length > 0) return checkpoints;
    }
    return undefined;
  }

  #folder(runKey: string): RunFolder {
    if (!/^lc-[0-9a-f]{32}-a\d{1,10}$/.test(runKey))
      throw new ProviderFailure('refused', 'this is not the key of a run');
    return new RunFolder(join(this.options.runsDir, runKey));
  }
}

/** @throws ProviderFailure where a secret cannot be in the environment of any process */
export function refuseBadVariables({ env }: Pick<Submission, 'env'>): void {
  const bad = [...env].find(
    ([variable, { value }]) => !variableName.safeParse(variable).success || value.reveal().includes('\u0000'),
  );
  if (bad)
    throw new ProviderFailure('refused', `the secret ${bad[1].name} cannot be an environment variable`);
}
