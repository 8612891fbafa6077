export const ABSENCE_SOURCES = ['own', 'auto_reply', 'bounced'] as const;
export type AbsenceSource = (typeof ABSENCE_SOURCES)[number];

/** For so long somebody is not asked to decide, and whoever stands in for them may decide in their place. */
export interface Absence {
  readonly id: number;
  readonly userId: number;
  readonly username: string;
  /** Their organisation; null: of none. */
  readonly orgId: number | null;
  readonly standInId: number | null;
  readonly standIn: string | null;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly reason: string | null;
  /** Whether they said so themselves, or their mail did. */
  readonly source: AbsenceSource;
}
