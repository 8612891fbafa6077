import { Controller, Inject } from '@nestjs/common';
import { replyHandled, type EventOf } from '@lineclear/contracts';
import { OnEvent } from '@lineclear/bus';
import { LOGGER, Metrics, type Logger, type Tx } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { answerableEmailChannel } from '../db/channels.repo.js';
import { countAnswersTo } from '../db/deliveries.repo.js';
import { DeliveryQueue } from '../jobs/delivery-queue.js';
import { personalDelivery, storeDeliveries } from './deliveries-of-event.js';

type Handled = EventOf<typeof replyHandled>;

/** Mails to one address in an hour: whatever answers answers, it comes to an end. */
const MAX_ANSWERS = 10;
/** Who wrote is not known then: the address may be anybody's, and nobody is to get mail for what others wrote. */
const UNANSWERED: readonly Handled['data']['outcome'][] = ['unproven', 'token_unknown'];

/** Tells who answered an approval mail what became of it. */
@Controller()
export class AnswerRepliesController {
  readonly #counter: Counter<'outcome' | 'answer'>;

  constructor(
    private readonly queue: DeliveryQueue,
    @Inject(LOGGER) private readonly log: Logger,
    metrics: Metrics,
  ) {
    this.#counter = new Counter({
      name: 'lineclear_approval_replies_total',
      help: 'Answers to approval mails, by what became of them and whether their writers were told',
      labelNames: ['outcome', 'answer'],
      registers: [metrics.registry],
    });
  }

  @OnEvent(replyHandled)
  async handled(event: Handled, tx: Tx): Promise<void> {
    const { outcome, mail_id } = event.data;
    const answer = await this.#answer(event, tx);
    tx.afterCommit(() => this.#counter.inc({ outcome, answer }));
    if (answer !== 'mailed')
      this.log.warn({ mail_id, outcome, answer }, 'who answered an approval mail is told nothing');
  }

  async #answer(event: Handled, tx: Tx): Promise<'mailed' | 'withheld' | 'too_many' | 'no_channel'> {
    const { outcome, to } = event.data;
    if (UNANSWERED.includes(outcome)) return 'withheld';
    const channel = await answerableEmailChannel(tx);
    if (!channel) return 'no_channel';
    if ((await countAnswersTo(tx, to)) >= MAX_ANSWERS) return 'too_many';
    await storeDeliveries(tx, this.queue, [personalDelivery(event, channel, to)]);
    return 'mailed';
  }
}
