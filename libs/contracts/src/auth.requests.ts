import { z } from 'zod';
import { principal } from './principal.js';
import { defineRequest } from './request.js';

/** Whose token is this? Asked by the token's SHA-256 (hex), so that no token travels; `null` is nobody's. */
export const introspect = defineRequest(
  'auth.introspect',
  z.object({ kind: z.enum(['session', 'api_key']), token_sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ principal: principal.nullable(), csrf_sha256: z.string().length(64).optional() }),
);
