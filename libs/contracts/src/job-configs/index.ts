import type { z } from 'zod';
import { containerConfig } from './container.js';
import { localConfig } from './local.js';
import { skypilotConfig } from './skypilot.js';
import { vastConfig } from './vast.js';

export { containerConfig, type ContainerConfig } from './container.js';
export { localConfig, variableName } from './local.js';
export { skypilotConfig, type SkypilotConfig } from './skypilot.js';
export { vastConfig } from './vast.js';

/**
 * What a job says in its `config`, by the type of its provider: checked when it is submitted, and again when it is run. Types
 * that are not here take anything.
 */
export const jobConfigs: Readonly<Partial<Record<string, z.ZodType>>> = {
  lambda: containerConfig,
  local: localConfig,
  skypilot: skypilotConfig,
  vast: vastConfig,
};
