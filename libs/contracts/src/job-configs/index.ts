import type { z } from 'zod';
import { agentsConfig } from './agents.js';
import { containerConfig } from './container.js';
import { hfJobsConfig } from './hf-jobs.js';
import { localConfig } from './local.js';
import { replicateConfig } from './replicate.js';
import { runpodPodsConfig } from './runpod-pods.js';
import { runpodServerlessConfig } from './runpod-serverless.js';
import { skypilotConfig } from './skypilot.js';
import { slurmConfig } from './slurm.js';
import { vastConfig } from './vast.js';

export { agentsConfig, labelPattern, workerLabels } from './agents.js';
export { containerConfig, type ContainerConfig } from './container.js';
export { hfJobsConfig } from './hf-jobs.js';
export { RUN_KEY_INPUT } from './input.js';
export { localConfig, variableName } from './local.js';
export { replicateConfig, type ReplicateConfig } from './replicate.js';
export { runpodPodsConfig } from './runpod-pods.js';
export { runpodServerlessConfig, type RunpodServerlessConfig } from './runpod-serverless.js';
export { skypilotConfig, type SkypilotConfig } from './skypilot.js';
export { slurmConfig, type SlurmConfig } from './slurm.js';
export { vastConfig } from './vast.js';

/**
 * What a job says in its `config`, by the type of its provider: checked when it is submitted, and again when it is run. Types
 * that are not here take anything.
 */
export const jobConfigs: Readonly<Partial<Record<string, z.ZodType>>> = {
  agents: agentsConfig,
  hf_jobs: hfJobsConfig,
  kubernetes: containerConfig,
  lambda: containerConfig,
  local: localConfig,
  replicate: replicateConfig,
  runpod_pods: runpodPodsConfig,
  runpod_serverless: runpodServerlessConfig,
  skypilot: skypilotConfig,
  slurm: slurmConfig,
  vast: vastConfig,
};

/** Whether a provider of this type has nothing that ends a job but its time: without `max_runtime_seconds` it would cost for ever. */
export const needsMaxRuntime = (type: string): boolean => type === 'lambda';
