import { z } from 'zod';
import { containerConfig } from './container.js';
import { text } from './local.js';

/** What a job says in its `config` on Vast.ai. How an image's own command ended is not told there: there has to be one. */
export const vastConfig = containerConfig.extend({ command: z.array(text).min(1).max(200) });
