import { containerConfig } from './container.js';

/** What a job on Hugging Face says in its `config`: a container, whose command must be said there. */
export const hfJobsConfig = containerConfig.required({ command: true });
