import { Controller, Inject } from '@nestjs/common';
import {
  approvalBypassed,
  approvalEscalated,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  approversNow,
  type EventOf,
} from '@lineclear/contracts';
import { askPatiently, Bus, OnEvents } from '@lineclear/bus';
import { CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { answerableEmailChannel } from '../db/channels.repo.js';
import { mailedBefore, type NewDelivery } from '../db/deliveries.repo.js';
import { insertSkips } from '../db/event-skips.repo.js';
import type { Channel } from '../domain/channel.js';
import type { Route } from '../domain/routes.js';
import type { Skip } from '../domain/skips.js';
import { DeliveryQueue } from '../jobs/delivery-queue.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { announcementsOf, personalDelivery, storeDeliveries } from './deliveries-of-event.js';
import { withoutSilenced } from './silenced.js';
import { OwnTiming, skipOf } from './own-timing.js';

const DEADLINE_MS = 2_000;

type Asking =
  | EventOf<typeof approvalRequired>
  | EventOf<typeof approvalReminder>
  | EventOf<typeof approvalStageStarted>
  | EventOf<typeof approvalEscalated>
  | EventOf<typeof approvalBypassed>;

/** Who may decide is asked at their own address, beside those who want to hear that somebody has to. */
@Controller()
export class AskApproversController {
  constructor(
    private readonly routes: CurrentRoutes,
    private readonly queue: DeliveryQueue,
    private readonly bus: Bus,
    private readonly timing: OwnTiming,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnEvents(approvalRequired)
  async ask(events: EventOf<typeof approvalRequired>[], tx: Tx): Promise<void> {
    // A request that somebody lost sight of is told of again: whom it was mailed to has it already.
    const jobs = events.map(({ data }) => data.job_id);
    await this.#ask(events, await mailedBefore(tx, approvalRequired.name, jobs), tx);
  }

  @OnEvents(approvalReminder)
  async remind(events: EventOf<typeof approvalReminder>[], tx: Tx): Promise<void> {
    await this.#ask(events, new Set(), tx);
  }

  @OnEvents(approvalStageStarted)
  async askOthers(events: EventOf<typeof approvalStageStarted>[], tx: Tx): Promise<void> {
    await this.#ask(events, new Set(), tx);
  }

  @OnEvents(approvalEscalated)
  async askMore(events: EventOf<typeof approvalEscalated>[], tx: Tx): Promise<void> {
    await this.#ask(events, new Set(), tx);
  }

  /** They could have decided it, and are to look at it now. */
  @OnEvents(approvalBypassed)
  async askToReview(events: EventOf<typeof approvalBypassed>[], tx: Tx): Promise<void> {
    await this.#ask(events, new Set(), tx);
  }

  async #ask(events: readonly Asking[], before: ReadonlySet<string>, tx: Tx): Promise<void> {
    if (events.length === 0) return;
    const waysOf = await this.routes.waysOf();
    const silencer = await this.routes.silencer();
    const channel = await answerableEmailChannel(tx);
    const unreached: Skip[] = channel ? [] : [{ reason: 'no_channel' }];
    const asked = await Promise.all(
      events.map(async (event) => {
        // Who may decide is asked all the same: a silence is for those who would only hear of it.
        const ways = waysOf(event);
        const heard = withoutSilenced(event, ways.routes, silencer);
        const { deliveries, skips: held } = await this.#deliveriesOf(
          event,
          heard.routes,
          channel,
          before,
          tx,
        );
        return { deliveries, skips: [...ways.skips, ...unreached, ...held, ...heard.skips] };
      }),
    );
    await insertSkips(
      tx,
      events.map(({ id, type }, at) => ({
        eventId: id,
        eventType: type,
        skips: asked[at]!.skips,
      })),
    );
    await storeDeliveries(
      tx,
      this.queue,
      asked.flatMap(({ deliveries }) => deliveries),
    );
  }

  /** While approvals does not answer, the event comes again. */
  async #deliveriesOf(
    event: Asking,
    routes: readonly Route[],
    channel: Channel | undefined,
    before: ReadonlySet<string>,
    tx: Tx,
  ): Promise<{ readonly deliveries: readonly NewDelivery[]; readonly skips: readonly Skip[] }> {
    if (!channel) return { deliveries: announcementsOf(event, routes, this.config), skips: [] };
    const { approval_id, job_id } = event.data;
    const { people: all } = await askPatiently(this.bus, approversNow, { approval_id }, DEADLINE_MS);
    const { ask } = event.data as { ask?: readonly number[] };
    const people = ask ? all.filter(({ user_id }) => ask.includes(user_id)) : all;
    const asked = new Set(people.map(({ email }) => email.toLowerCase()));
    const others = routes.filter(
      ({ channelType, recipient }) => channelType !== 'email' || !asked.has(recipient.toLowerCase()),
    );
    const fresh = people.filter(({ email }) => !before.has(`${job_id} ${email.toLowerCase()}`));
    const timing = await this.timing.of(
      tx,
      fresh.map(({ user_id }) => user_id),
    );
    const asks = fresh.map(({ email, ...person }) => {
      const held = timing.heldFor(person.user_id, event.type);
      const wait = held && timing.waitOf(held);
      return {
        delivery: personalDelivery(event, channel, email, person, wait),
        skips: held ? [skipOf(person.user_id, held)] : [],
      };
    });
    return {
      deliveries: [...asks.map(({ delivery }) => delivery), ...announcementsOf(event, others, this.config)],
      skips: asks.flatMap((ask) => ask.skips),
    };
  }
}
