import { Injectable } from '@nestjs/common';
import { idOf, type Run } from '../domain/run.js';
import type { Adapter } from '../adapters/adapter.js';
import { Credentials } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { ProviderNotices } from '../providers/provider-notices.js';

/** What became of it: nothing costs any more, it is to be tried again, or it was tried often enough and may cost on. */
export type LetGoOutcome = 'gone' | 'again' | 'left';

/** Takes away what a run that is over, or of which nobody knows any more, may still cost at its provider. */
@Injectable()
export class LetGo {
  constructor(
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    private readonly notices: ProviderNotices,
  ) {}

  /** @throws Later when the call may not be made now */
  async tryIt(run: Run, adapter: Adapter, tries: number): Promise<LetGoOutcome> {
    const call = adapter.release ? 'release' : 'cancel';
    // A stop that was taken is not sent once more to whom nothing else is left to say.
    if (call === 'cancel' && (!adapter.capabilities.cancel || run.cancelSentAt !== null)) return 'gone';
    try {
      const credential = await this.credentials.ofProvider(adapter, run);
      await this.calls.make(adapter, run, call, async () => adapter[call]?.(idOf(run), credential));
      return 'gone';
    } catch (error) {
      if (error instanceof Later) throw error;
      // Without the error: a provider may repeat in it what it was given.
      if (run.failures < tries) return 'again';
      await this.notices.tell(run.provider, run.jobId, leftOf(run));
      return 'left';
    }
  }
}

export const leftOf = (run: Run): string => `${idOf(run)} could not be taken away there: it may still cost`;
