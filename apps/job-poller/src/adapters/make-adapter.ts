import type { ProviderConfig } from '@lineclear/kit';
import type { Adapter } from './adapter.js';
import { AgentsAdapter, type TaskStore } from './agents.js';
import { HfJobsAdapter } from './hf-jobs.js';
import { HttpAdapter } from './http.js';
import { KubernetesAdapter } from './kubernetes.js';
import { LambdaAdapter } from './lambda.js';
import { LocalAdapter, type LocalOptions } from './local.js';
import { ReplicateAdapter } from './replicate.js';
import { RunpodPodsAdapter } from './runpod-pods.js';
import { RunpodServerlessAdapter } from './runpod-serverless.js';
import { SlurmAdapter } from './slurm.js';
import { SkypilotAdapter } from './skypilot.js';
import { VastAdapter } from './vast.js';

export interface AdapterOptions {
  /** How long one call to a provider may take. */
  readonly timeoutMs: number;
  readonly local: LocalOptions;
  readonly tasks: TaskStore;
}

/** The adapter of a provider, as its configuration describes it. */
export function makeAdapter(name: string, provider: ProviderConfig, options: AdapterOptions): Adapter {
  switch (provider.type) {
    case 'agents':
      return new AgentsAdapter(name, options.tasks);
    case 'local':
      return new LocalAdapter(name, options.local);
    case 'http':
      return new HttpAdapter(name, provider, options.timeoutMs);
    case 'lambda':
      return new LambdaAdapter(name, provider, options.timeoutMs);
    case 'replicate':
      return new ReplicateAdapter(name, provider, options.timeoutMs);
    case 'runpod_pods':
      return new RunpodPodsAdapter(name, provider, options.timeoutMs);
    case 'runpod_serverless':
      return new RunpodServerlessAdapter(name, provider, options.timeoutMs);
    case 'hf_jobs':
      return new HfJobsAdapter(name, provider, options.timeoutMs);
    case 'kubernetes':
      return new KubernetesAdapter(name, provider, options.timeoutMs);
    case 'slurm':
      return new SlurmAdapter(name, provider, options.timeoutMs);
    case 'skypilot':
      return new SkypilotAdapter(name, provider, options.timeoutMs);
    case 'vast':
      return new VastAdapter(name, provider, options.timeoutMs);
  }
}
