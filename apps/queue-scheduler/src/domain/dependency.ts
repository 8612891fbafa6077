import type { FINAL_STATES } from '@lineclear/contracts';

/** How a job that another one follows must have ended, as Slurm names it: well, however, or not well. */
export const CONDITIONS = ['afterok', 'afterany', 'afternotok'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A job that must have ended before. */
export interface Dependency {
  readonly job_id: string;
  readonly when: Condition;
}

export function isMet(when: Condition, endedAs: (typeof FINAL_STATES)[number]): boolean {
  switch (when) {
    case 'afterok':
      return endedAs === 'completed';
    case 'afterany':
      return true;
    case 'afternotok':
      return endedAs !== 'completed';
  }
}
