import { z } from 'zod';
import { isLocalUrl } from './client-address.js';

/** What describes an OpenID Connect provider, in the configuration file and in the API alike. */
export const oidcFields = {
  /** Compared letter by letter with what the provider says of itself, so a slash at the end counts. */
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .refine((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      return url !== undefined && (url.protocol === 'https:' || isLocalUrl(url));
    }, 'must be https, but for a provider on this machine')
    .refine(
      (text) => !/[?#@]|\/\.well-known\//.test(text),
      'is the issuer alone: no query, no user, and not the address of its discovery document',
    ),
  clientId: z.string().min(1).max(500),
  clientSecret: z.string().min(1).max(2_000),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'is not a scope'))
    .min(1)
    .max(50)
    .refine((scopes) => scopes.includes('openid'), 'must hold "openid"'),
  claimPath: z.string().min(1).max(200),
} as const;
