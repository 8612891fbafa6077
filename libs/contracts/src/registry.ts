import * as approvals from './approvals.events.js';
import * as approvalsAsk from './approvals.requests.js';
import { auditRecorded } from './audit.events.js';
import * as auth from './auth.events.js';
import * as authAsk from './auth.requests.js';
import { deadLetter } from './bus.events.js';
import type { EventDef } from './event.js';
import * as jobs from './jobs.events.js';
import * as notifier from './notifier.events.js';
import * as pollerAsk from './poller.requests.js';
import * as queueAsk from './queue.requests.js';
import * as replies from './replies.events.js';
import type { RequestDef } from './request.js';
import * as runs from './runs.events.js';
import * as secrets from './secrets.events.js';
import * as secretsAsk from './secrets.requests.js';

export const SERVICES = [
  'auth',
  'secrets',
  'approvals',
  'queue-scheduler',
  'notifier',
  'job-poller',
] as const;
export type ServiceName = (typeof SERVICES)[number];

interface Wiring {
  readonly publishes: readonly EventDef[];
  readonly consumes: readonly EventDef[];
  /** Events every replica listens to on core NATS, besides its durable share of work. */
  readonly watches: readonly EventDef[];
  readonly answers: readonly RequestDef[];
  readonly asks: readonly RequestDef[];
}

/** Whoever lets people in believes what they may do until one of these says otherwise. */
const changesOfPrincipals = [auth.principalChanged, auth.principalsChanged];
/** What whoever lets people in asks about a caller. */
const whoCalls = [authAsk.introspect, authAsk.internalPrincipal];
const jobOutcomes = [
  jobs.jobStarted,
  jobs.jobAttemptFailed,
  jobs.jobCompleted,
  jobs.jobFailed,
  jobs.jobCancelled,
];
const quotaNews = [jobs.quotaWarning, jobs.quotaExceeded];
const costNews = [jobs.costWarning, jobs.costExceeded];
const decisions = [
  approvals.approvalGranted,
  approvals.approvalRejected,
  approvals.approvalExpired,
  approvals.approvalCancelled,
];

/** What every service may say, of itself. */
export const SAID_BY_ALL: readonly EventDef[] = [deadLetter, auditRecorded];

/** Who says what, who listens, who asks whom: boot checks, NATS permissions and the AsyncAPI document come from this table. */
export const WIRING: Readonly<Record<ServiceName, Wiring>> = {
  auth: {
    publishes: [
      ...changesOfPrincipals,
      auth.loginFailure,
      auth.newDevice,
      auth.passwordResetRequested,
      auth.passwordChanged,
      auth.quotaChanged,
    ],
    consumes: [auditRecorded],
    watches: changesOfPrincipals,
    answers: [...whoCalls, authAsk.resetLink, authAsk.mailboxOf, authAsk.approversFor, authAsk.deciderNow],
    asks: [...whoCalls, queueAsk.usageOf],
  },
  secrets: {
    publishes: [
      secrets.secretChanged,
      secrets.secretExpiring,
      secrets.secretStale,
      secrets.secretGlassBroken,
      secrets.ownSecretTaken,
      secrets.kekRotated,
      secrets.kekRetired,
    ],
    consumes: [jobs.jobClaimed, jobs.jobAttemptFailed, jobs.jobCompleted, jobs.jobFailed, jobs.jobCancelled],
    watches: [...changesOfPrincipals, secrets.secretChanged],
    answers: [
      secretsAsk.resolveSecrets,
      secretsAsk.scanTexts,
      secretsAsk.secretDemands,
      secretsAsk.storeSecret,
      secretsAsk.deleteSecret,
      secretsAsk.secretsPublicKey,
    ],
    asks: whoCalls,
  },
  approvals: {
    publishes: [
      approvals.approvalRequired,
      approvals.approvalReminder,
      approvals.approvalStageStarted,
      approvals.approvalEscalated,
      approvals.approvalBypassed,
      approvals.approvalBypassReviewed,
      approvals.approvalChangesRequested,
      approvals.approvalWaived,
      ...decisions,
      replies.replyHandled,
    ],
    consumes: [jobs.jobSubmitted, jobs.jobCancelled, replies.replyReceived, replies.approverUnreached],
    watches: changesOfPrincipals,
    answers: [
      approvalsAsk.evaluateJobs,
      approvalsAsk.decideForJob,
      approvalsAsk.replyToken,
      approvalsAsk.approversNow,
    ],
    asks: [...whoCalls, authAsk.deciderNow, authAsk.approversFor, queueAsk.pastJobs],
  },
  'queue-scheduler': {
    publishes: [
      jobs.jobSubmitted,
      jobs.jobQueued,
      jobs.jobClaimed,
      jobs.jobCancelRequested,
      ...jobOutcomes,
      ...quotaNews,
      ...costNews,
      jobs.providerChanged,
    ],
    consumes: [
      approvals.approvalRequired,
      approvals.approvalStageStarted,
      approvals.approvalWaived,
      ...decisions,
      runs.runStarted,
      runs.runObserved,
      runs.runEnded,
      auth.quotaChanged,
    ],
    watches: [...changesOfPrincipals, jobs.providerChanged],
    answers: [queueAsk.usageOf, queueAsk.pastJobs],
    asks: [
      ...whoCalls,
      approvalsAsk.evaluateJobs,
      approvalsAsk.decideForJob,
      secretsAsk.scanTexts,
      secretsAsk.secretDemands,
      pollerAsk.pollerPrices,
    ],
  },
  notifier: {
    publishes: [notifier.webhookFailure, replies.replyReceived, replies.approverUnreached],
    consumes: [
      jobs.jobSubmitted,
      ...jobOutcomes,
      ...quotaNews,
      ...costNews,
      approvals.approvalRequired,
      approvals.approvalReminder,
      approvals.approvalStageStarted,
      approvals.approvalEscalated,
      approvals.approvalBypassed,
      approvals.approvalBypassReviewed,
      approvals.approvalChangesRequested,
      ...decisions,
      replies.replyHandled,
      auth.loginFailure,
      auth.newDevice,
      auth.passwordResetRequested,
      auth.passwordChanged,
      runs.providerError,
      runs.providerDegraded,
      runs.providerRestored,
      secrets.secretExpiring,
      secrets.secretStale,
      secrets.secretGlassBroken,
      secrets.ownSecretTaken,
      runs.secretLeakDetected,
      notifier.webhookFailure,
      deadLetter,
    ],
    watches: [...changesOfPrincipals, secrets.secretChanged],
    answers: [],
    asks: [
      ...whoCalls,
      authAsk.resetLink,
      authAsk.mailboxOf,
      authAsk.deciderNow,
      approvalsAsk.approversNow,
      approvalsAsk.replyToken,
      approvalsAsk.decideForJob,
      secretsAsk.resolveSecrets,
      secretsAsk.storeSecret,
      secretsAsk.deleteSecret,
      secretsAsk.secretsPublicKey,
    ],
  },
  'job-poller': {
    publishes: [
      runs.runStarted,
      runs.runObserved,
      runs.runEnded,
      runs.providerError,
      runs.providerDegraded,
      runs.providerRestored,
      runs.secretLeakDetected,
    ],
    consumes: [jobs.jobClaimed, jobs.jobCancelRequested],
    watches: [...changesOfPrincipals, secrets.secretChanged],
    answers: [pollerAsk.pollerPrices],
    asks: [...whoCalls, secretsAsk.resolveSecrets],
  },
};

/** Every event there is, by name. */
export const EVENTS: ReadonlyMap<string, EventDef> = new Map(
  [...Object.values(WIRING).flatMap((wiring) => wiring.publishes), ...SAID_BY_ALL].map((def) => [
    def.name,
    def,
  ]),
);
