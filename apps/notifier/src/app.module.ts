import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, RedisLine, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { ChannelSecrets } from './channels/channel-secrets.js';
import { KeepChannels } from './channels/keep-channels.js';
import { RotateKeys } from './channels/rotate-keys.js';
import { SendThroughChannel } from './channels/send-through-channel.js';
import { DecideInSlack } from './chat/decide-in-slack.js';
import { SendChat } from './chat/send-chat.js';
import { SendToSlack } from './chat/send-to-slack.js';
import { ShowOutcomes } from './chat/show-outcomes.js';
import { SlackApi } from './chat/slack-api.js';
import { TakeInteraction } from './chat/take-interaction.js';
import { readConfig, type Config } from './config.js';
import { ChannelRow } from './db/channel.entity.js';
import { ApprovalMailRow } from './db/approval-mail.entity.js';
import { ClaimRow, DeliveryAttemptRow, DeliveryRow } from './db/delivery.entity.js';
import { MailboxCursorRow, ReceivedMailRow } from './db/mailbox.entity.js';
import { ChannelsAndDeliveries1767225640000 } from './db/migrations/1767225640000-channels-and-deliveries.js';
import { AnswersToReplies1795770000001 } from './db/migrations/1795770000001-answers-to-replies.js';
import { Mailboxes1795770000002 } from './db/migrations/1795770000002-mailboxes.js';
import { EndpointRow } from './db/endpoint.entity.js';
import { FailingEndpoints1795770000011 } from './db/migrations/1795770000011-failing-endpoints.js';
import { AttemptRounds1795770000012 } from './db/migrations/1795770000012-attempt-rounds.js';
import { EndpointGates1795770000013 } from './db/migrations/1795770000013-endpoint-gates.js';
import { EventSkipsRow } from './db/event-skips.entity.js';
import { EventSkips1795770000014 } from './db/migrations/1795770000014-event-skips.js';
import { OwnNews1795770000040 } from './db/migrations/1795770000040-own-news.js';
import { OwnPreferences1795770000041 } from './db/migrations/1795770000041-own-preferences.js';
import { OwnPreferenceRow } from './db/own-preference.entity.js';
import { OwnSchedules1795770000042 } from './db/migrations/1795770000042-own-schedules.js';
import { OwnScheduleRow } from './db/own-schedule.entity.js';
import { CollectedRow } from './db/collected.entity.js';
import { Digests1795770000043 } from './db/migrations/1795770000043-digests.js';
import { Silences1795770000044 } from './db/migrations/1795770000044-silences.js';
import { SilenceRow } from './db/silence.entity.js';
import { Fallbacks1795770000045 } from './db/migrations/1795770000045-fallbacks.js';
import { ChannelTurns1795770000050 } from './db/migrations/1795770000050-channel-turns.js';
import { TeamsOfPreferences1795770000070 } from './db/migrations/1795770000070-teams-of-preferences.js';
import { FallbackRow } from './db/fallback.entity.js';
import { SlackDecisions1795770000021 } from './db/migrations/1795770000021-slack-decisions.js';
import { SlackThreads1795770000020 } from './db/migrations/1795770000020-slack-threads.js';
import { ApprovalMails1795770000030 } from './db/migrations/1795770000030-approval-mails.js';
import { WebhookKeys1795770000010 } from './db/migrations/1795770000010-webhook-keys.js';
import { PreferenceRow, RoutesVersionRow } from './db/preference.entity.js';
import { SlackOutcomeRow, SlackQuestionRow } from './db/slack-approval.entity.js';
import { SlackLinkCodeRow, SlackLinkRow, SlackSeenRow } from './db/slack-link.entity.js';
import { SlackThreadRow } from './db/slack-thread.entity.js';
import { MailTokens } from './email/mail-tokens.js';
import { SendMail } from './email/send-mail.js';
import { WriteMail } from './email/write-mail.js';
import { AnnounceController } from './events/announce.controller.js';
import { AnswerRepliesController } from './events/answer-replies.controller.js';
import { AskApproversController } from './events/ask-approvers.controller.js';
import { OwnTiming } from './events/own-timing.js';
import { TellOwner } from './events/tell-owner.js';
import { TellThePersonController } from './events/tell-the-person.controller.js';
import { ChannelsController } from './http/channels.controller.js';
import { DeliveriesController } from './http/deliveries.controller.js';
import { EventOutcomeController } from './http/event-outcome.controller.js';
import { EventTypesController } from './http/event-types.controller.js';
import { FallbackController } from './http/fallback.controller.js';
import { OverviewController } from './http/overview.controller.js';
import { OwnEventController } from './http/own-event.controller.js';
import { OwnPreferencesController } from './http/own-preferences.controller.js';
import { OwnScheduleController } from './http/own-schedule.controller.js';
import { PreferencesController } from './http/preferences.controller.js';
import { RecoverController } from './http/recover.controller.js';
import { RepliesController } from './http/replies.controller.js';
import { SilencesController } from './http/silences.controller.js';
import { SlackInteractionsController } from './http/slack-interactions.controller.js';
import { SlackLinksController } from './http/slack-links.controller.js';
import { ChannelSenders } from './jobs/channel-senders.js';
import { DeliverProcessor } from './jobs/deliver.processor.js';
import { DeliveryMetrics } from './jobs/delivery-metrics.js';
import { DELIVER, DeliveryQueue } from './jobs/delivery-queue.js';
import { JudgeEndpoint } from './jobs/judge-endpoint.js';
import { SendDelivery } from './jobs/send-delivery.js';
import { SweepDue } from './jobs/sweep-due.js';
import { TakeTurn } from './jobs/take-turn.js';
import { CheckMailbox } from './mailbox/check-mailbox.js';
import { RESOLVE_RECORDS, systemResolver, type ResolveRecords } from './mailbox/dmarc.js';
import { HandleMail } from './mailbox/handle-mail.js';
import { JudgeMail } from './mailbox/judge-mail.js';
import { KeepMailboxes } from './mailbox/keep-mailboxes.js';
import { MailboxMetrics } from './mailbox/mailbox-metrics.js';
import { ParsingThreads } from './mailbox/parsing-threads.js';
import { ProveSender } from './mailbox/prove-sender.js';
import { PostJson } from './outbound/post-json.js';
import { CurrentRoutes } from './routing/current-routes.js';
import { SendWebhook } from './webhook/send-webhook.js';

@Module({})
class NotifierModule {
  static of(config: Config, resolveRecords: ResolveRecords): DynamicModule {
    const line = new RedisLine(config.REDIS_URL);
    return {
      module: NotifierModule,
      imports: [
        BullModule.forRootAsync({ useFactory: () => line.bullOptions('notifier') }),
        BullModule.registerQueue({ name: DELIVER }),
      ],
      controllers: [
        ChannelsController,
        FallbackController,
        PreferencesController,
        OwnEventController,
        OwnPreferencesController,
        OwnScheduleController,
        OverviewController,
        EventTypesController,
        EventOutcomeController,
        DeliveriesController,
        RecoverController,
        RepliesController,
        SilencesController,
        SlackInteractionsController,
        SlackLinksController,
        AnnounceController,
        AskApproversController,
        AnswerRepliesController,
        TellThePersonController,
      ],
      providers: [
        { provide: RedisLine, useValue: line },
        { provide: RESOLVE_RECORDS, useValue: resolveRecords },
        ChannelSecrets,
        KeepChannels,
        RotateKeys,
        SendThroughChannel,
        PostJson,
        SendWebhook,
        SendChat,
        SlackApi,
        SendToSlack,
        ShowOutcomes,
        DecideInSlack,
        TakeInteraction,
        MailTokens,
        SendMail,
        WriteMail,
        CurrentRoutes,
        OwnTiming,
        TellOwner,
        DeliveryQueue,
        DeliveryMetrics,
        JudgeEndpoint,
        TakeTurn,
        ChannelSenders,
        SendDelivery,
        DeliverProcessor,
        SweepDue,
        CheckMailbox,
        HandleMail,
        JudgeMail,
        KeepMailboxes,
        MailboxMetrics,
        ParsingThreads,
        ProveSender,
      ],
    };
  }
}

interface Outside {
  readonly clock?: Clock;
  /** DNS, as far as it tells who sent a mail. */
  readonly resolveRecords?: ResolveRecords;
}

/** The notifier, as its environment configures it. */
export function define(
  env: NodeJS.ProcessEnv,
  { resolveRecords = systemResolver(), ...more }: Outside = {},
): ServiceDefinition<Config> {
  const config = readConfig(env);
  const file = readConfigFile(env, { without: ['oidc'] });
  return {
    name: 'notifier',
    config,
    modules: [
      BusModule.of('notifier', config.NATS_URL),
      AccessModule.of(),
      NotifierModule.of(config, resolveRecords),
    ],
    entities: [
      ...busEntities,
      ChannelRow,
      PreferenceRow,
      RoutesVersionRow,
      DeliveryRow,
      ClaimRow,
      DeliveryAttemptRow,
      ApprovalMailRow,
      EndpointRow,
      EventSkipsRow,
      OwnPreferenceRow,
      OwnScheduleRow,
      CollectedRow,
      SilenceRow,
      FallbackRow,
      MailboxCursorRow,
      ReceivedMailRow,
      SlackThreadRow,
      SlackQuestionRow,
      SlackOutcomeRow,
      SlackLinkRow,
      SlackLinkCodeRow,
      SlackSeenRow,
    ],
    migrations: [
      ...busMigrations,
      ChannelsAndDeliveries1767225640000,
      AnswersToReplies1795770000001,
      Mailboxes1795770000002,
      WebhookKeys1795770000010,
      FailingEndpoints1795770000011,
      AttemptRounds1795770000012,
      EndpointGates1795770000013,
      EventSkips1795770000014,
      OwnNews1795770000040,
      OwnPreferences1795770000041,
      OwnSchedules1795770000042,
      Digests1795770000043,
      Silences1795770000044,
      Fallbacks1795770000045,
      ChannelTurns1795770000050,
      TeamsOfPreferences1795770000070,
      SlackThreads1795770000020,
      SlackDecisions1795770000021,
      ApprovalMails1795770000030,
    ],
    transports: busTransports,
    file,
    ...more,
  };
}
