import { readEnv, serviceEnv, type ServiceConfig } from '@lineclear/kit';

export type Config = ServiceConfig;

/** What the auth service reads from its environment. @throws ConfigError naming each wrong variable */
export const readConfig = (env: NodeJS.ProcessEnv): Config => readEnv(serviceEnv, env);
