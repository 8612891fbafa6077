import { sendsFiles } from '@lineclear/contracts';
import { z } from 'zod';
import { agentsProvider } from './agents.js';
import { hfJobsProvider } from './hf-jobs.js';
import { httpProvider } from './http.js';
import { kubernetesProvider } from './kubernetes.js';
import { lambdaProvider } from './lambda.js';
import { localProvider } from './local.js';
import { replicateProvider } from './replicate.js';
import { runpodPodsProvider } from './runpod-pods.js';
import { runpodServerlessProvider } from './runpod-serverless.js';
import { skypilotProvider } from './skypilot.js';
import { slurmProvider } from './slurm.js';
import { vastProvider } from './vast.js';

/** What the configuration file says of one provider, by its type. */
export const providerConfig = z.discriminatedUnion('type', [
  agentsProvider,
  hfJobsProvider,
  httpProvider,
  kubernetesProvider,
  lambdaProvider,
  localProvider,
  replicateProvider,
  runpodPodsProvider,
  runpodServerlessProvider,
  skypilotProvider,
  slurmProvider,
  vastProvider,
]);
export type ProviderConfig = z.infer<typeof providerConfig>;
export type ProviderType = ProviderConfig['type'];
export type ProviderConfigOf<Type extends ProviderType> = Extract<ProviderConfig, { type: Type }>;

/** The name of the secret that a provider's calls are made with; undefined where they need none. */
export function secretOfProvider(provider: ProviderConfig): string | undefined {
  switch (provider.type) {
    case 'agents':
    case 'local':
      return undefined;
    case 'http':
      return provider.auth?.secret;
    case 'lambda':
    case 'replicate':
    case 'runpod_pods':
    case 'runpod_serverless':
    case 'hf_jobs':
    case 'kubernetes':
    case 'slurm':
    case 'skypilot':
    case 'vast':
      return provider.secret;
  }
}

/** Whether runs can be given secrets in files. */
export function givesFiles(provider: ProviderConfig): boolean {
  switch (provider.type) {
    case 'agents':
    case 'local':
    case 'kubernetes':
      return true;
    case 'http':
      return sendsFiles(provider.submit);
    case 'lambda':
    case 'replicate':
    case 'runpod_pods':
    case 'runpod_serverless':
    case 'hf_jobs':
    case 'slurm':
    case 'skypilot':
    case 'vast':
      return false;
  }
}
