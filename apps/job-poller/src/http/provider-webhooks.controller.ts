import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ChangesNothing, Public } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import {
  Answers,
  Clock,
  LOGGER,
  Metrics,
  NotAuthenticated,
  NotFound,
  TakesBytes,
  TooMany,
  type Logger,
  type Secret,
} from '@lineclear/kit';
import { Counter } from 'prom-client';
import { z } from 'zod';
import type { Adapter } from '../adapters/adapter.js';
import type { ArrivedWebhook, Hint } from '../adapters/webhook.js';
import { TakeHint } from '../jobs/take-hint.js';
import { AccountRates } from '../providers/account-rates.js';
import { MissingSecrets } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { Providers } from '../providers/providers.js';
import { Webhooks } from '../providers/webhooks.js';

// What others put behind the address is none of ours.
const query = z.object({ run: z.string().max(200).optional(), token: z.string().max(200).optional() });

// More than any provider's own rate lets end at a time.
const RATE = { perSecond: 100, burst: 1_000 };

interface Arrived {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody?: Buffer;
}

/** Where providers say that something happened to a run. Whoever says so, and whatever: it is looked at, and that is all. */
@Controller('api/webhooks/providers')
export class ProviderWebhooksController {
  readonly #count: Counter<'provider' | 'outcome'>;

  constructor(
    private readonly providers: Providers,
    private readonly webhooks: Webhooks,
    private readonly hints: TakeHint,
    private readonly rates: AccountRates,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    { registry }: Metrics,
  ) {
    this.#count = new Counter({
      name: 'lineclear_provider_webhooks_total',
      help: 'Webhooks of providers: what they name is looked at, nothing of it goes on, they were refused, or too many',
      labelNames: ['provider', 'outcome'],
      registers: [registry],
    });
  }

  @Post(':provider')
  @Public()
  @ChangesNothing()
  @TakesBytes()
  @Answers(
    200,
    null,
    'Takes a webhook of a compute provider, proven as its provider proves them: what it names is looked at',
  )
  async take(
    @Param('provider', { schema: fields.provider }) name: string,
    @Query({ schema: query }) given: z.infer<typeof query>,
    @Req() { headers, rawBody }: Arrived,
  ): Promise<void> {
    const adapter = this.providers.get(name);
    const secret = adapter && (await this.#secretOf(adapter));
    if (!adapter || secret === undefined) throw new NotFound('provider with webhooks', name);
    const hint = this.#verified(adapter, {
      headers: Object.fromEntries(
        Object.entries(headers).filter((header): header is [string, string] => typeof header[1] === 'string'),
      ),
      query: given,
      rawBody: rawBody?.toString('utf8') ?? '',
      secret,
      now: this.clock.now(),
    });
    await this.#mayTake(name);
    const looks = await this.hints.take(adapter, hint);
    this.#count.inc({ provider: name, outcome: looks ? 'looked_at' : 'not_known' });
  }

  async #secretOf(adapter: Adapter): Promise<Secret | undefined> {
    try {
      return await this.webhooks.secretOf(adapter);
    } catch (error) {
      if (!(error instanceof MissingSecrets)) throw error;
      this.log.warn({ provider: adapter.name }, `a webhook came, but ${error.message}`);
      return undefined;
    }
  }

  /** @throws NotAuthenticated for what is forged, old, or about nothing */
  #verified(adapter: Adapter, webhook: ArrivedWebhook): Hint {
    // Whoever knows that there is no key can sign with none.
    const hint = webhook.secret.reveal() === '' ? undefined : adapter.verifyWebhook?.(webhook);
    if (hint !== undefined) return hint;
    this.#count.inc({ provider: adapter.name, outcome: 'refused' });
    throw new NotAuthenticated(`this is not proven to come from ${adapter.name}, or not now`);
  }

  /** Only what is proven counts: nobody else can use up what a provider may send. @throws TooMany */
  async #mayTake(name: string): Promise<void> {
    try {
      await this.rates.take(`webhooks ${name}`, RATE, 'dispatch');
    } catch (error) {
      if (!(error instanceof Later)) throw error;
      this.#count.inc({ provider: name, outcome: 'too_many' });
      throw new TooMany('more webhooks than are looked at', error.waitMs / 1_000);
    }
  }
}
