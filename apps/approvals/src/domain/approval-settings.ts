import type { Level } from '@lineclear/contracts';

export interface EscalationStep {
  /** Since those of the stage were asked. */
  readonly after_hours: number;
  /** Whoever reaches it is asked from then on; those below it are asked before. */
  readonly level: Level;
}

export interface ApprovalSettings {
  readonly escalation: readonly EscalationStep[];
  /** Asked where nobody else is left, and of every team as far as deciding goes. */
  readonly fallback_user_ids: readonly number[];
  /** Above this estimated cost the link of a mail takes a login; null: never. */
  readonly link_login_above_usd: number | null;
}
