import { z } from 'zod';
import { common } from './common.js';

/** Machines that come for their jobs themselves, each with a `lineclear worker` on it (docs/workers.md). */
export const agentsProvider = z.strictObject({ type: z.literal('agents'), ...common });
