import { Inject, Injectable } from '@nestjs/common';
import { Bus, event } from '@lineclear/bus';
import { providerError } from '@lineclear/contracts';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import { storable } from '../domain/storable.js';
import { ProviderNoticesRepo } from '../db/provider-notices.repo.js';

const EVERY_SECONDS = 60;
const MAX_QUOTED = 500;
const WITHHELD = 'its words are withheld, since nobody can say now which secrets may be in them';

/** Tells people that a provider fails, at most once a minute for each, whichever replica sees it. */
@Injectable()
export class ProviderNotices {
  readonly #toldAt = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly notices: ProviderNoticesRepo,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Tells what it said, with secrets taken out already; null when that was not possible. Never throws: a message that cannot be sent must not stop the step that wanted to send it. */
  async tell(provider: string, jobId: string | undefined, said: string | null): Promise<void> {
    const now = this.clock.now().getTime();
    if (now - (this.#toldAt.get(provider) ?? 0) < EVERY_SECONDS * 1_000) return;
    this.#toldAt.set(provider, now);
    const message = storable((said ?? WITHHELD).slice(0, MAX_QUOTED));
    this.log.warn({ provider, job_id: jobId }, `the provider fails: ${message}`);
    try {
      await this.database.tx(async (tx) => {
        if (!(await this.notices.mayTell(tx, provider, EVERY_SECONDS))) return;
        await this.bus.publish(
          tx,
          event(
            providerError,
            { provider, message, ...(jobId === undefined ? {} : { job_id: jobId }) },
            { about: `provider/${provider}` },
          ),
        );
      });
    } catch (error) {
      this.#toldAt.delete(provider);
      this.log.warn({ err: error, provider }, 'could not tell that the provider fails');
    }
  }
}
