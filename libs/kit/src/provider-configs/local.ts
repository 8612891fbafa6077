import { z } from 'zod';
import { common } from './common.js';

/** Processes of the job-poller's own machine. */
export const localProvider = z.strictObject({ type: z.literal('local'), ...common });
