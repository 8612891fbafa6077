import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, RedisLine, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { Approvers } from './approvers.js';
import { AskedByToken } from './asked-by-token.js';
import { readConfig, type Config } from './config.js';
import { CurrentRules } from './current-rules.js';
import { AbsenceRow } from './db/absence.entity.js';
import { ApprovalCommentRow } from './db/approval-comment.entity.js';
import { ApprovalRequestRow } from './db/approval-request.entity.js';
import { ApprovalRuleRow } from './db/approval-rule.entity.js';
import { ApprovalSettingsRow } from './db/approval-settings.entity.js';
import { ApprovalVoteRow } from './db/approval-vote.entity.js';
import { RulesAndRequests1767225601000 } from './db/migrations/1767225601000-rules-and-requests.js';
import { AlsoLevels1795712000000 } from './db/migrations/1795712000000-also-levels.js';
import { OrgOfRequests1795672000000 } from './db/migrations/1795672000000-org-of-requests.js';
import { WhoseJobsRulesHold1795760000000 } from './db/migrations/1795760000000-whose-jobs-rules-hold.js';
import { HowRulesCombine1795760000001 } from './db/migrations/1795760000001-how-rules-combine.js';
import { ReplyTokens1795770000000 } from './db/migrations/1795770000000-reply-tokens.js';
import { Reminders1795790000000 } from './db/migrations/1795790000000-reminders.js';
import { StagesAndVotes1795800000000 } from './db/migrations/1795800000000-stages-and-votes.js';
import { AbsencesAndEscalation1795800000001 } from './db/migrations/1795800000001-absences-and-escalation.js';
import { LinksInMails1795800000002 } from './db/migrations/1795800000002-links-in-mails.js';
import { StandingAndBypassed1795800000003 } from './db/migrations/1795800000003-standing-and-bypassed.js';
import { TeamOfRequests1795800000010 } from './db/migrations/1795800000010-team-of-requests.js';
import { OrgOfAbsences1795800000021 } from './db/migrations/1795800000021-org-of-absences.js';
import { StageOfReplyTokens1795800000020 } from './db/migrations/1795800000020-stage-of-reply-tokens.js';
import { ReplyTokenRow } from './db/reply-token.entity.js';
import { StandingApprovalRow } from './db/standing-approval.entity.js';
import { RulesVersionRow } from './db/rules-version.entity.js';
import { Decisions } from './decisions.js';
import { AnswerApprovers } from './events/answer-approvers.js';
import { AnswerDecide } from './events/answer-decide.js';
import { AnswerReplyToken } from './events/answer-reply-token.js';
import { CloseRequestsOfCancelledJobs } from './events/close-requests-of-cancelled-jobs.js';
import { DecideByEmailReply } from './events/decide-by-email-reply.js';
import { EvaluateJobs } from './events/evaluate-jobs.js';
import { NoteUnreached } from './events/note-unreached.js';
import { OpenRequests } from './events/open-requests.js';
import { AbsencesController } from './http/absences.controller.js';
import { BulkController } from './http/bulk.controller.js';
import { DryRunController } from './http/dry-run.controller.js';
import { LinksController } from './http/links.controller.js';
import { ReplayController } from './http/replay.controller.js';
import { RequestsController } from './http/requests.controller.js';
import { RulesController } from './http/rules.controller.js';
import { StandingController } from './http/standing.controller.js';
import { SettingsController } from './http/settings.controller.js';
import { Exchanges } from './exchanges.js';
import { ExchangesController } from './http/exchanges.controller.js';
import { ShownRequests } from './http/shown-requests.js';
import { Links } from './links.js';
import { Standing } from './standing.js';
import { FOLLOW_UP, FollowUp } from './jobs/follow-up.js';

@Module({
  controllers: [
    DryRunController,
    ReplayController,
    RulesController,
    BulkController,
    SettingsController,
    AbsencesController,
    LinksController,
    StandingController,
    RequestsController,
    ExchangesController,
    AnswerApprovers,
    AnswerDecide,
    AnswerReplyToken,
    DecideByEmailReply,
    EvaluateJobs,
    NoteUnreached,
    OpenRequests,
    CloseRequestsOfCancelledJobs,
  ],
  providers: [
    Approvers,
    AskedByToken,
    Links,
    Standing,
    CurrentRules,
    Decisions,
    Exchanges,
    ShownRequests,
    FollowUp,
  ],
})
class ApprovalsModule {
  static of(config: Config): DynamicModule {
    const line = new RedisLine(config.REDIS_URL);
    return {
      module: ApprovalsModule,
      imports: [
        BullModule.forRootAsync({ useFactory: () => line.bullOptions('approvals') }),
        BullModule.registerQueue({ name: FOLLOW_UP }),
      ],
      providers: [{ provide: RedisLine, useValue: line }],
    };
  }
}

/** The approvals service, by this environment. */
export function define(env: NodeJS.ProcessEnv, more: { clock?: Clock } = {}): ServiceDefinition<Config> {
  const config = readConfig(env);
  const file = readConfigFile(env, { without: ['oidc'] });
  return {
    name: 'approvals',
    config,
    modules: [BusModule.of('approvals', config.NATS_URL), AccessModule.of(), ApprovalsModule.of(config)],
    entities: [
      ...busEntities,
      ApprovalRuleRow,
      RulesVersionRow,
      ApprovalRequestRow,
      ApprovalVoteRow,
      ApprovalCommentRow,
      ReplyTokenRow,
      AbsenceRow,
      ApprovalSettingsRow,
      StandingApprovalRow,
    ],
    migrations: [
      ...busMigrations,
      RulesAndRequests1767225601000,
      OrgOfRequests1795672000000,
      AlsoLevels1795712000000,
      WhoseJobsRulesHold1795760000000,
      HowRulesCombine1795760000001,
      ReplyTokens1795770000000,
      Reminders1795790000000,
      StagesAndVotes1795800000000,
      AbsencesAndEscalation1795800000001,
      LinksInMails1795800000002,
      StandingAndBypassed1795800000003,
      TeamOfRequests1795800000010,
      StageOfReplyTokens1795800000020,
      OrgOfAbsences1795800000021,
    ],
    transports: busTransports,
    file,
    ...more,
  };
}
