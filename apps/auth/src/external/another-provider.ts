import { normalDn, normalName } from '../domain/distinguished-name.js';
import type { IdentityProvider } from '../domain/identity-provider.js';
import { serversOf, type LdapSettings } from './ldap-config.js';

/** Whether a change makes it another provider: what is known of the people of the old one is not of the new one's. */
export function isAnother(before: IdentityProvider, after: IdentityProvider): boolean {
  if (before.type === 'oidc' && after.type === 'oidc') return before.config.issuer !== after.config.issuer;
  if (before.type !== 'ldap' || after.type !== 'ldap') return true;
  // A directory may get one more server, or lose one.
  const known = addressesOf(before.config);
  return addressesOf(after.config).every((address) => !known.includes(address));
}

/** Whether a change would give the secret to who did not have it so far, or say it of another account. */
export function goesElsewhere(before: IdentityProvider, after: IdentityProvider): boolean {
  if (before.type !== 'ldap' || after.type !== 'ldap') return isAnother(before, after);
  const known = addressesOf(before.config);
  return (
    accountOf(before.config) !== accountOf(after.config) ||
    addressesOf(after.config).some((address) => !known.includes(address))
  );
}

const addressesOf = (config: LdapSettings): string[] =>
  serversOf(config).map(({ host, port }) => `${host.toLowerCase()} ${port}`);
const accountOf = ({ bind_dn: account }: LdapSettings): string => normalDn(account) ?? normalName(account);
