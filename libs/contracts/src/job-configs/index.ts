import type { z } from 'zod';
import { containerConfig } from './container.js';
import { hfJobsConfig } from './hf-jobs.js';
import { localConfig } from './local.js';
import { slurmConfig } from './slurm.js';

export { containerConfig, type ContainerConfig } from './container.js';
export { hfJobsConfig } from './hf-jobs.js';
export { localConfig, variableName } from './local.js';
export { slurmConfig, type SlurmConfig } from './slurm.js';

/**
 * What a job says in its `config`, by the type of its provider: checked when it is submitted, and again when it is run. Types
 * that are not here take anything.
 */
export const jobConfigs: Readonly<Partial<Record<string, z.ZodType>>> = {
  hf_jobs: hfJobsConfig,
  kubernetes: containerConfig,
  local: localConfig,
  slurm: slurmConfig,
};
