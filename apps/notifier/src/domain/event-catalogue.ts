import { WIRING } from '@lineclear/contracts';
import type { Severity } from './severity.js';

export interface EventKind {
  readonly name: string;
  readonly category: string;
  readonly severity: Severity;
  /** Nobody is told but the person whom it is about: there is nothing to choose. */
  readonly isPersonal?: true;
}

/** Every event that people are told of, by its id: what it is called and how much it matters. */
export const CATALOGUE: Readonly<Record<string, EventKind>> = {
  'job.submitted': { name: 'Job submitted', category: 'job', severity: 'info' },
  'job.started': { name: 'Job started', category: 'job', severity: 'info' },
  'job.completed': { name: 'Job completed', category: 'job', severity: 'info' },
  'job.attempt_failed': { name: 'Attempt failed', category: 'job', severity: 'warning' },
  'job.failed': { name: 'Job failed', category: 'job', severity: 'error' },
  'job.cancelled': { name: 'Job cancelled', category: 'job', severity: 'warning' },
  'approval.required': { name: 'Approval required', category: 'approval', severity: 'warning' },
  'approval.reminder': { name: 'Approval still required', category: 'approval', severity: 'warning' },
  'approval.stage_started': { name: 'Approval goes on', category: 'approval', severity: 'warning' },
  'approval.escalated': { name: 'Approval escalated', category: 'approval', severity: 'warning' },
  'approval.bypassed': { name: 'Approval passed', category: 'approval', severity: 'critical' },
  'approval.bypass_reviewed': {
    name: 'Passed approval looked at',
    category: 'approval',
    severity: 'warning',
  },
  'approval.changes_requested': { name: 'Changes requested', category: 'approval', severity: 'warning' },
  'approval.granted': { name: 'Approval granted', category: 'approval', severity: 'info' },
  'approval.rejected': { name: 'Approval rejected', category: 'approval', severity: 'warning' },
  'approval.expired': { name: 'Approval expired', category: 'approval', severity: 'warning' },
  'approval.cancelled': { name: 'Approval withdrawn', category: 'approval', severity: 'info' },
  'approval.reply_handled': {
    name: 'Approval mail answered',
    category: 'approval',
    severity: 'info',
    isPersonal: true,
  },
  'quota.warning': { name: 'Quota nearly used up', category: 'quota', severity: 'warning' },
  'quota.exceeded': { name: 'Quota exceeded', category: 'quota', severity: 'warning' },
  'cost.warning': { name: 'Cost limit nearly used up', category: 'cost', severity: 'warning' },
  'cost.exceeded': { name: 'Cost limit exceeded', category: 'cost', severity: 'error' },
  'auth.login_failure': { name: 'Logins failed', category: 'auth', severity: 'warning' },
  'auth.new_device': { name: 'Login from a new device', category: 'auth', severity: 'warning' },
  'auth.password_reset_requested': {
    name: 'Password reset',
    category: 'auth',
    severity: 'info',
    isPersonal: true,
  },
  'auth.password_changed': {
    name: 'Password changed',
    category: 'auth',
    severity: 'warning',
    isPersonal: true,
  },
  'secret.expiring': { name: 'Secret ends soon', category: 'secret', severity: 'warning' },
  'secret.stale': { name: 'Secret too old', category: 'secret', severity: 'info' },
  'secret.glass_broken': { name: 'Secret taken in an emergency', category: 'secret', severity: 'critical' },
  'secret.own_taken': {
    name: 'Own secret taken in an emergency',
    category: 'secret',
    severity: 'critical',
    isPersonal: true,
  },
  'secret.leak_detected': { name: 'Secret leaked', category: 'secret', severity: 'critical' },
  'system.provider_error': { name: 'Provider error', category: 'system', severity: 'error' },
  'system.provider_degraded': { name: 'Provider away', category: 'system', severity: 'critical' },
  'system.provider_restored': { name: 'Provider back', category: 'system', severity: 'info' },
  'system.webhook_failure': { name: 'Notification given up', category: 'system', severity: 'error' },
  'system.dead_letter': { name: 'Event given up', category: 'system', severity: 'critical' },
};

/** What this service hears of that anybody may want to hear of too, in the order of the wiring. */
export const EVENT_TYPES: readonly string[] = WIRING.notifier.consumes
  .map((def) => def.name)
  .filter((type) => !CATALOGUE[type]?.isPersonal);

/** The event types that a preference's `event_type` stands for: one by name, `*`, or a whole category as `job.*`. */
export function typesOf(pattern: string): readonly string[] {
  if (pattern === '*') return EVENT_TYPES;
  if (pattern.endsWith('.*')) return EVENT_TYPES.filter((type) => type.startsWith(pattern.slice(0, -1)));
  return EVENT_TYPES.filter((type) => type === pattern);
}

/** @throws when the type is not in the catalogue: a test keeps the catalogue and the wiring alike. */
export function kindOf(type: string): EventKind {
  const kind = CATALOGUE[type];
  if (!kind) throw new Error(`${type} is not in the catalogue`);
  return kind;
}
