import { wholeNumber } from './domain/secret-input.js';
import type { World } from './world.js';

const DEFAULT_SECONDS = '30';

/** For how long the server, and another command that is at work here, are waited for. @throws CliError */
export const timeoutSecondsOf = ({ env }: World): number =>
  wholeNumber('LINECLEAR_TIMEOUT_SECONDS', env['LINECLEAR_TIMEOUT_SECONDS'] || DEFAULT_SECONDS, {
    min: 1,
    max: 600,
  });
