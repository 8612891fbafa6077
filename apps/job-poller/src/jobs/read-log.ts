import { Injectable } from '@nestjs/common';
import { Clock } from '@lineclear/kit';
import { appendLog, type LogChunk } from '../domain/log-chunks.js';
import { withLeaks } from '../domain/leaks.js';
import { readProgress } from '../domain/progress.js';
import type { Hit, Run } from '../domain/run.js';
import type { Adapter, Credential, LogPart } from '../adapters/adapter.js';
import { Credentials, MissingSecrets } from '../providers/credentials.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import type { Redacted, Redactor } from '../providers/redact.js';

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
    const cleaner = await this.#cleaner(run, adapter, credential);
    if (cleaner === undefined)
      return this.withheld(run, 'a secret of this run is gone, so that its output cannot be cleaned of it');
    let next: Run = { ...run, logCheckedAt: this.clock.now() };
    const chunks: LogChunk[] = [];
    const parts = isOver ? PARTS_AT_THE_END : PARTS_WHILE_RUNNING;
    for (let read = 0; read < parts; read += 1) {
      const { externalId, logCursor } = next;
      if (externalId === null) break;
      const part = await this.calls.make(adapter, run, 'logs', () =>
        adapter.logs(externalId, logCursor, isOver, credential),
      );
      const { text, hits, taken } = cleaned(cleaner, part, isOver);
      const added = appendLog(next, text);
      chunks.push(...added.chunks);
      next = {
        ...withLeaks(next, [...hits, ...alreadyHidden(part, next)], 'log'),
        ...added.state,
        logCursor: part.cursorAt(taken),
        progress: readProgress(text, next.progress),
      };
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

  async #cleaner(run: Run, adapter: Adapter, credential: Credential): Promise<Redactor | undefined> {
    try {
      return await this.credentials.cleaner(run, adapter, credential);
    } catch (error) {
      if (error instanceof MissingSecrets) return undefined;
      throw error;
    }
  }
}

/** The part without the values. What may be the beginning of one at its end is read again with what follows, once there is more. */
function cleaned(cleaner: Redactor, part: LogPart, isOver: boolean): Redacted {
  const settled = cleaner.clean(part.text, part.more || !isOver);
  // Nothing settled of a part that is as long as a part can be: waiting would not bring more of it.
  return settled.taken === 0 && part.more ? cleaner.clean(part.text) : settled;
}

/** What the adapter hid itself. It is told by what the run could have changed, so that only the run's own names count. */
const alreadyHidden = ({ hidden = [] }: LogPart, run: Run): Hit[] =>
  run.secrets.filter((name) => hidden.includes(name)).map((name) => ({ name, form: 'raw' }));
