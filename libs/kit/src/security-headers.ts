import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

const YEAR_SECONDS = 31_536_000;

/**
 * Sets what every answer tells browsers: it is no page, no other site's frame, window or resource, and of the type it says.
 * It is helmet itself, made once, and not its plugin, which makes it anew for each request and misses the answers that are
 * given before there is a route.
 */
export function securityHeaders(publicUrl: string): (req: IncomingMessage, res: ServerResponse) => void {
  const set = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
    // Over plain HTTP browsers do not read it, and a house that is not on HTTPS must not say it.
    strictTransportSecurity: publicUrl.startsWith('https:') && {
      maxAge: YEAR_SECONDS,
      includeSubDomains: false,
    },
    // What these are about ended with the browsers that knew it.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xDnsPrefetchControl: false,
    xXssProtection: false,
    originAgentCluster: false,
  });
  return (req, res) =>
    set(req, res, (error) => {
      if (error) throw error;
    });
}
