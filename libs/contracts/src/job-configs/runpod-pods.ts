import { containerConfig } from './container.js';

/** What a job on a pod of RunPod says in its `config`: the command is ours to start, since only it can say how it ended. */
export const runpodPodsConfig = containerConfig.required({ command: true });
