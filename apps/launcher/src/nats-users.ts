import { join } from 'node:path';
import { readIfThere } from './home.js';
import { PROJECT } from './services.js';

/** The user that may do everything: for people who look after the house, and for tests. No service has its password. */
export const OPERATOR = 'operator';

const PERMISSIONS_FILE = join(PROJECT, 'deploy', 'nats', 'permissions.json');

/** What each service's user may publish and subscribe to, as generated from the contracts. */
export function readPermissions(file: string = PERMISSIONS_FILE): Record<string, object> {
  const text = readIfThere(file);
  return text === undefined ? {} : (JSON.parse(text) as Record<string, object>);
}

/** The block of a NATS configuration that gives each service a user of its own, held to its own subjects. */
export function natsAuthorization(
  services: readonly string[],
  passwordOf: (user: string) => string,
  permissions: Readonly<Record<string, object>>,
): string {
  const line = (user: string): string => {
    const allowed = permissions[user];
    const rules = allowed === undefined ? '' : `, permissions: ${JSON.stringify(allowed)}`;
    return `    { user: "${user}", password: "${passwordOf(user)}"${rules} }`;
  };
  return ['authorization {', '  users: [', ...[OPERATOR, ...services].map(line), '  ]', '}'].join('\n');
}
