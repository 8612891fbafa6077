import { Controller, Inject } from '@nestjs/common';
import {
  approvalBypassed,
  approvalBypassReviewed,
  approvalCancelled,
  approvalChangesRequested,
  approvalEscalated,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  costExceeded,
  costWarning,
  deadLetter,
  jobAttemptFailed,
  jobCancelled,
  jobCompleted,
  jobFailed,
  jobStarted,
  jobSubmitted,
  loginFailure,
  newDevice,
  providerDegraded,
  providerError,
  providerRestored,
  quotaExceeded,
  quotaWarning,
  secretExpiring,
  secretGlassBroken,
  secretLeakDetected,
  secretStale,
  webhookFailure,
  WIRING,
  type EventOf,
} from '@lineclear/contracts';
import { Bus, OnEvents } from '@lineclear/bus';
import { CONFIG, type Tx } from '@lineclear/kit';
import { ShowOutcomes } from '../chat/show-outcomes.js';
import type { Config } from '../config.js';
import type { NewDelivery } from '../db/deliveries.repo.js';
import { insertSkips } from '../db/event-skips.repo.js';
import { kindOf } from '../domain/event-catalogue.js';
import type { Route } from '../domain/routes.js';
import type { Outcome } from '../domain/slack-approval.js';
import type { Skip } from '../domain/skips.js';
import { DeliveryQueue } from '../jobs/delivery-queue.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { announcementsOf, storeDeliveries, type AnyEvent } from './deliveries-of-event.js';
import { withoutSilenced } from './silenced.js';
import { TellOwner, type OwnNews } from './tell-owner.js';

const ASKING: ReadonlySet<string> = new Set([
  approvalRequired.name,
  approvalReminder.name,
  approvalStageStarted.name,
  approvalEscalated.name,
  approvalBypassed.name,
]);

/** Every event that people may want to hear of becomes one delivery per channel and recipient; most become none. */
@Controller()
export class AnnounceController {
  constructor(
    private readonly routes: CurrentRoutes,
    private readonly owners: TellOwner,
    private readonly queue: DeliveryQueue,
    private readonly outcomes: ShowOutcomes,
    @Inject(CONFIG) private readonly config: Config,
    bus: Bus,
  ) {
    // Where there is no channel, nobody is told of anything, or is not.
    for (const def of WIRING.notifier.consumes) {
      // Whoever may decide is asked, whether anybody wants to hear of it or not.
      if (kindOf(def.name).isPersonal || ASKING.has(def.name)) continue;
      bus.handleOnlyIf(def, {
        kind: () => routes.hasChannels(),
      });
    }
  }

  async #announce(events: readonly AnyEvent[], tx: Tx): Promise<void> {
    if (events.length === 0) return;
    const waysOf = await this.routes.waysOf();
    const silencer = await this.routes.silencer();
    const news = await this.owners.newsOf(tx, events, silencer);
    const plans = events.map((event) => {
      const ways = waysOf(event);
      const heard = withoutSilenced(event, ways.routes, silencer);
      const plan = planOf(event, heard.routes, news.get(event.id));
      return { ...plan, skips: [...ways.skips, ...plan.skips, ...heard.skips] };
    });
    await insertSkips(
      tx,
      plans.map((plan) => ({
        eventId: plan.event.id,
        eventType: plan.event.type,
        skips: plan.skips,
      })),
    );
    await storeDeliveries(
      tx,
      this.queue,
      plans.flatMap(({ event, others, own }) => [
        ...(own ? [own] : []),
        ...announcementsOf(event, others, this.config),
      ]),
    );
  }

  /** Messages that ask for a decision show how it ended. */
  async #ended<D extends { approval_id: string }>(
    events: readonly { readonly data: D }[],
    outcomeOf: (data: D) => Outcome,
    tx: Tx,
  ): Promise<void> {
    const ended = events.map(({ data }) => ({ approvalId: data.approval_id, outcome: outcomeOf(data) }));
    await this.outcomes.note(ended, tx);
  }

  @OnEvents(jobSubmitted)
  async jobsSubmitted(events: EventOf<typeof jobSubmitted>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(jobStarted)
  async jobsStarted(events: EventOf<typeof jobStarted>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(jobAttemptFailed)
  async attemptsFailed(events: EventOf<typeof jobAttemptFailed>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(jobCompleted)
  async jobsCompleted(events: EventOf<typeof jobCompleted>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(jobFailed)
  async jobsFailed(events: EventOf<typeof jobFailed>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(jobCancelled)
  async jobsCancelled(events: EventOf<typeof jobCancelled>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(approvalGranted)
  async approvalsGranted(events: EventOf<typeof approvalGranted>[], tx: Tx): Promise<void> {
    await this.#ended(events, ({ by, via, at }) => ({ status: 'approved', by, via, at }), tx);
    await this.#announce(events, tx);
  }

  @OnEvents(approvalRejected)
  async approvalsRejected(events: EventOf<typeof approvalRejected>[], tx: Tx): Promise<void> {
    await this.#ended(events, ({ by, via, at, reason }) => ({ status: 'rejected', by, via, at, reason }), tx);
    await this.#announce(events, tx);
  }

  @OnEvents(approvalExpired)
  async approvalsExpired(events: EventOf<typeof approvalExpired>[], tx: Tx): Promise<void> {
    await this.#ended(events, ({ at }) => ({ status: 'expired', at }), tx);
    await this.#announce(events, tx);
  }

  @OnEvents(approvalCancelled)
  async approvalsCancelled(events: EventOf<typeof approvalCancelled>[], tx: Tx): Promise<void> {
    await this.#ended(events, ({ by, at }) => ({ status: 'cancelled', by, at }), tx);
    await this.#announce(events, tx);
  }

  @OnEvents(approvalChangesRequested)
  async changesRequested(events: EventOf<typeof approvalChangesRequested>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(approvalBypassReviewed)
  async bypassesReviewed(events: EventOf<typeof approvalBypassReviewed>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(loginFailure)
  async loginsFailed(events: EventOf<typeof loginFailure>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(newDevice)
  async devicesNew(events: EventOf<typeof newDevice>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(providerError)
  async providersErred(events: EventOf<typeof providerError>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(providerDegraded)
  async providersAway(events: EventOf<typeof providerDegraded>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(providerRestored)
  async providersBack(events: EventOf<typeof providerRestored>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(quotaWarning)
  async quotasNearlyUsed(events: EventOf<typeof quotaWarning>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(quotaExceeded)
  async quotasExceeded(events: EventOf<typeof quotaExceeded>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(costWarning)
  async costLimitsNearlyUsed(events: EventOf<typeof costWarning>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(costExceeded)
  async costLimitsExceeded(events: EventOf<typeof costExceeded>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(secretExpiring)
  async secretsExpiring(events: EventOf<typeof secretExpiring>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(secretStale)
  async secretsStale(events: EventOf<typeof secretStale>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(secretGlassBroken)
  async secretsTaken(events: EventOf<typeof secretGlassBroken>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(secretLeakDetected)
  async secretsLeaked(events: EventOf<typeof secretLeakDetected>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(webhookFailure)
  async notificationsGivenUp(events: EventOf<typeof webhookFailure>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }

  @OnEvents(deadLetter)
  async eventsGivenUp(events: EventOf<typeof deadLetter>[], tx: Tx): Promise<void> {
    await this.#announce(events, tx);
  }
}

interface Plan {
  readonly event: AnyEvent;
  readonly others: readonly Route[];
  readonly own: NewDelivery | undefined;
  readonly skips: readonly Skip[];
}

/** Where one event goes, and where not: a channel is not told that it does not work, and nobody is told twice. */
function planOf(event: AnyEvent, routes: readonly Route[], news: OwnNews | undefined): Plan {
  const { channel_id } = event.data as { channel_id?: number };
  const { delivery: own, skip, recipient: told } = news ?? {};
  const isOwnFailure = (route: Route): boolean =>
    event.type === webhookFailure.name && route.channelId === channel_id;
  const isTwice = ({ channelType, recipient }: Route): boolean =>
    channelType === 'email' && recipient.toLowerCase() === told?.toLowerCase();
  const failing: Skip[] = routes.some(isOwnFailure)
    ? [{ channel_id: channel_id!, reason: 'own_failure' }]
    : [];
  const twice = routes
    .filter(isTwice)
    .map(({ channelId, recipient }): Skip => ({ channel_id: channelId, recipient, reason: 'duplicate' }));
  return {
    event,
    own,
    others: routes.filter((route) => !isOwnFailure(route) && !isTwice(route)),
    skips: [...failing, ...twice, ...(skip ? [skip] : [])],
  };
}
