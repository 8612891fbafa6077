import type { ApprovalStage, Level } from '@lineclear/contracts';
import { neededOf } from './levels.js';

/** What one reason to hold a job asks for: stages of its own, or without any one person of these levels. */
export interface Asked {
  readonly levels: readonly Level[];
  readonly stages: readonly ApprovalStage[];
  /** How many have to say no until it is one. */
  readonly rejections: number;
}

/**
 * Everything that is asked for, one after the other: the same stage once, and a level without a stage of its own in front,
 * where no stage asks for as much anyway. Of rejections the fewest count.
 */
export function stagesOf(all: readonly Asked[]): { stages: readonly ApprovalStage[]; rejections: number } {
  const own = distinct(all.flatMap(({ stages }) => stages));
  const levels = neededOf(all.filter(({ stages }) => stages.length === 0).flatMap((one) => one.levels));
  const isAskedAnyway = levels.length === 0 || own.some((stage) => asksForAll(stage, levels));
  return {
    stages: isAskedAnyway ? own : [{ approvals: 1, levels: [...levels] }, ...own],
    rejections: Math.min(...all.map(({ rejections }) => rejections)),
  };
}

/** Whether a request needs more than one word of one person of a level. */
export const isStaged = (stages: readonly ApprovalStage[], rejections: number): boolean =>
  rejections > 1 || stages.length > 1 || stages.some((one) => one.approvals > 1 || one.team_id !== undefined);

const asksForAll = ({ levels }: ApprovalStage, others: readonly Level[]): boolean =>
  neededOf([...levels, ...others]).every((level) => levels.includes(level));

function distinct(stages: readonly ApprovalStage[]): ApprovalStage[] {
  const keyOf = ({ approvals, levels, team_id }: ApprovalStage): string =>
    JSON.stringify([approvals, levels, team_id]);
  return [...new Map(stages.toReversed().map((stage) => [keyOf(stage), stage])).values()].toReversed();
}
