import { Injectable } from '@nestjs/common';
import { Clock } from '@lineclear/kit';
import { appendLog, type LogChunk } from '../domain/log-chunks.js';
import { readProgress } from '../domain/progress.js';
import type { Run } from '../domain/run.js';
import type { Adapter, Credential } from '../providers/adapter.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { ProviderCalls } from '../providers/provider-calls.js';

const PARTS_WHILE_RUNNING = 4;
const PARTS_AT_THE_END = 24;

export interface ReadLog {
  readonly run: Run;
  readonly chunks: readonly LogChunk[];
}

/** Reads a run's new output, without the values of its secrets, and what it says about progress. */
@Injectable()
export class LogReader {
  constructor(
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly clock: Clock,
  ) {}

  isDue(run: Run, adapter: Adapter, now: Date): boolean {
    if (!adapter.capabilities.logs) return false;
    return (
      run.logCheckedAt === null ||
      now.getTime() - run.logCheckedAt.getTime() >= adapter.capabilities.logsEveryMs
    );
  }

  /** @throws when the provider, or who knows the secrets, does not answer: nothing was read then. */
  async read(run: Run, adapter: Adapter, credential: Credential, isOver: boolean): Promise<ReadLog> {
    const clean = await this.#cleaner(run, credential);
    if (clean === undefined)
      return this.withheld(run, 'a secret of this run is gone, so that its output cannot be cleaned of it');
    let next: Run = { ...run, logCheckedAt: this.clock.now() };
    const chunks: LogChunk[] = [];
    const parts = isOver ? PARTS_AT_THE_END : PARTS_WHILE_RUNNING;
    for (let read = 0; read < parts; read += 1) {
      const { externalId, logCursor } = next;
      if (externalId === null) break;
      const part = await this.calls.make(adapter, 'logs', () =>
        adapter.logs(externalId, logCursor, isOver, credential),
      );
      const text = clean(part.text);
      const added = appendLog(next, text);
      chunks.push(...added.chunks);
      next = { ...next, ...added.state, logCursor: part.cursor, progress: readProgress(text, next.progress) };
      if (!part.more) break;
    }
    return { run: next, chunks };
  }

  /** Says in the log why there is no more of it. */
  withheld(run: Run, why: string): ReadLog {
    if (run.logTruncated) return { run, chunks: [] };
    const added = appendLog(run, `\n[the log is withheld: ${why}]\n`);
    return {
      run: { ...run, ...added.state, logTruncated: true, logCheckedAt: this.clock.now() },
      chunks: added.chunks,
    };
  }

  async #cleaner(run: Run, credential: Credential): Promise<((text: string) => string) | undefined> {
    try {
      return await this.credentials.cleaner(run, credential);
    } catch (error) {
      if (error instanceof MissingSecrets) return undefined;
      throw error;
    }
  }
}
