import { z } from 'zod';
import { costUsd, instant, provider } from './fields.js';

/** After which the spending on a provider is counted anew: days, weeks from Monday and months, all of UTC. */
export const COST_PERIODS = ['daily', 'weekly', 'monthly'] as const;
export type CostPeriod = (typeof COST_PERIODS)[number];

/** What happens to the job that goes beyond: it is let in with a warning, or told to admins, or refused. */
export const COST_ACTIONS = ['warn', 'block', 'notify'] as const;
export type CostAction = (typeof COST_ACTIONS)[number];

/** How a provider's cost limit stands. What waits in the queue counts as used. */
export const costStanding = z.object({
  provider,
  limit_amount: costUsd,
  period: z.enum(COST_PERIODS),
  action: z.enum(COST_ACTIONS),
  /** What runs of this period cost, or are expected to. */
  current_spend: z.number().min(0),
  waiting: z.number().min(0),
  percent_used: z.number().min(0),
  period_ends_at: instant,
});
export type CostStandingData = z.infer<typeof costStanding>;
