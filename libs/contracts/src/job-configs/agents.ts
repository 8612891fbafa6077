import { z } from 'zod';
import { localConfig } from './local.js';

const MAX_LABELS = 20;

const labelName = z.string().regex(/^[a-z][a-z0-9_.-]{0,39}$/, 'is not the name of a label');
const few = (labels: object): boolean => Object.keys(labels).length <= MAX_LABELS;

/** What is said of a worker. */
export const workerLabels = z
  .record(labelName, z.string().regex(/^[\w.:/+-]{1,80}$/, 'is not the value of a label'))
  .refine(few, `has more than ${MAX_LABELS} labels`);
/** Any of these texts, `*` for any part of it and `?` for one character. */
export const labelPattern = z.string().regex(/^[\w.:/+*?-]{1,80}$/, 'is not a label, with * and ?');

/** What a job says in its `config` where workers come for it: a process, as on the local machine, and which workers may have it. */
export const agentsConfig = localConfig.extend({
  labels: z.record(labelName, labelPattern).refine(few, `has more than ${MAX_LABELS} labels`).default({}),
});
