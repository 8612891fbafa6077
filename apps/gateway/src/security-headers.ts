import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

const YEAR_SECONDS = 31_536_000;

/** Sets on an answer of the gateway's own what the services set on theirs, which pass as they are. Pages say more of themselves. */
export function securityHeaders(publicUrl: string): (res: ServerResponse & { req: IncomingMessage }) => void {
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: publicUrl.startsWith('https:') && {
      maxAge: YEAR_SECONDS,
      includeSubDomains: false,
    },
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xDnsPrefetchControl: false,
    xXssProtection: false,
    originAgentCluster: false,
  });
  return (res) =>
    set(res.req, res, (error) => {
      if (error) throw error;
    });
}
