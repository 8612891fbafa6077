import type { Message } from './message.js';

/** What became of somebody's request or job: they are told of it unless they say otherwise. */
export const OUTCOMES: readonly string[] = [
  'approval.granted',
  'approval.rejected',
  'approval.expired',
  'approval.cancelled',
  'approval.changes_requested',
  'approval.bypass_reviewed',
  'job.completed',
  'job.failed',
  'job.cancelled',
];

/** Every event that is about one person's job, request or account. Of others nobody is told for being a person. */
export const OWN_EVENTS: readonly string[] = [
  'job.submitted',
  'job.started',
  'job.attempt_failed',
  ...OUTCOMES,
  'quota.warning',
  'quota.exceeded',
  'auth.login_failure',
  'auth.new_device',
  'secret.leak_detected',
];

type Told = Pick<Message, 'type'> & { readonly data: object };

/** Whom an event is about: nobody else is told of it as a person. */
export function ownerOf({ type, data }: Told): number | undefined {
  return OWN_EVENTS.includes(type) ? (data as { user_id?: number }).user_id : undefined;
}

/** Why the owner knows already: they did it themselves, or another event has told them. */
export function whyNoNews({ type, data }: Told): 'own_doing' | 'duplicate' | undefined {
  const { user_id, by_user_id, reason, cancelled_by } = data as {
    user_id?: number;
    by_user_id?: number;
    reason?: string;
    cancelled_by?: { user_id: number };
  };
  if (type.startsWith('approval.') && by_user_id === user_id) return 'own_doing';
  if (type !== 'job.cancelled') return undefined;
  if (cancelled_by && cancelled_by.user_id === user_id) return 'own_doing';
  // The request's own outcome says it, and why.
  return reason?.startsWith('approval_') ? 'duplicate' : undefined;
}
