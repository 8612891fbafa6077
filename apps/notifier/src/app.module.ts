import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, RedisLine, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { ChannelSecrets } from './channels/channel-secrets.js';
import { KeepChannels } from './channels/keep-channels.js';
import { SendThroughChannel } from './channels/send-through-channel.js';
import { readConfig, type Config } from './config.js';
import { ChannelRow } from './db/channel.entity.js';
import { DeliveryAttemptRow, DeliveryRow } from './db/delivery.entity.js';
import { MailboxCursorRow, ReceivedMailRow } from './db/mailbox.entity.js';
import { ChannelsAndDeliveries1767225640000 } from './db/migrations/1767225640000-channels-and-deliveries.js';
import { Mailboxes1795770000002 } from './db/migrations/1795770000002-mailboxes.js';
import { PreferenceRow, RoutesVersionRow } from './db/preference.entity.js';
import { SendMail } from './email/send-mail.js';
import { WriteMail } from './email/write-mail.js';
import { AnnounceController } from './events/announce.controller.js';
import { TellThePersonController } from './events/tell-the-person.controller.js';
import { ChannelsController } from './http/channels.controller.js';
import { DeliveriesController } from './http/deliveries.controller.js';
import { OverviewController } from './http/overview.controller.js';
import { PreferencesController } from './http/preferences.controller.js';
import { RepliesController } from './http/replies.controller.js';
import { DeliverProcessor } from './jobs/deliver.processor.js';
import { DeliveryMetrics } from './jobs/delivery-metrics.js';
import { DELIVER, DeliveryQueue } from './jobs/delivery-queue.js';
import { SendDelivery } from './jobs/send-delivery.js';
import { SweepDue } from './jobs/sweep-due.js';
import { CheckMailbox } from './mailbox/check-mailbox.js';
import { RESOLVE_RECORDS, systemResolver, type ResolveRecords } from './mailbox/dmarc.js';
import { HandleMail } from './mailbox/handle-mail.js';
import { JudgeMail } from './mailbox/judge-mail.js';
import { KeepMailboxes } from './mailbox/keep-mailboxes.js';
import { MailboxMetrics } from './mailbox/mailbox-metrics.js';
import { ParsingThread } from './mailbox/parsing-thread.js';
import { ProveSender } from './mailbox/prove-sender.js';
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
        PreferencesController,
        OverviewController,
        DeliveriesController,
        RepliesController,
        AnnounceController,
        TellThePersonController,
      ],
      providers: [
        { provide: RedisLine, useValue: line },
        { provide: RESOLVE_RECORDS, useValue: resolveRecords },
        ChannelSecrets,
        KeepChannels,
        SendThroughChannel,
        SendWebhook,
        SendMail,
        WriteMail,
        CurrentRoutes,
        DeliveryQueue,
        DeliveryMetrics,
        SendDelivery,
        DeliverProcessor,
        SweepDue,
        CheckMailbox,
        HandleMail,
        JudgeMail,
        KeepMailboxes,
        MailboxMetrics,
        ParsingThread,
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
      DeliveryAttemptRow,
      MailboxCursorRow,
      ReceivedMailRow,
    ],
    migrations: [...busMigrations, ChannelsAndDeliveries1767225640000, Mailboxes1795770000002],
    transports: busTransports,
    file,
    ...more,
  };
}
