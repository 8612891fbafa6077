export { AccessModule, type AccessOptions } from './access.module.js';
export { actorOf, audited, differences, nothingChanged, type Audited } from './audited.js';
export {
  can,
  canFor,
  isOfTenant,
  jobsSeenBy,
  mayApproveFor,
  mayComeFrom,
  requireOwnCredential,
  requirePermission,
  tenantOf,
  type Owner,
  type Reach,
} from './can.js';
export { Allow, ChangesNothing, Public, Who } from './decorators.js';
export { compileGlob, GlobError } from './glob.js';
export { refuseNamedSites, refuseOtherSites } from './other-sites.js';
export { PRINCIPAL_TTL_SECONDS, Principals, TokenLookup, type Identity } from './principals.js';
export { Refusals } from './refusals.js';
export { explain, judge, patternFault, type Asked, type Decision } from './resource-rules.js';
export { hashToken, SESSION_COOKIE, sessionTokenOf, tokenOf, type Token } from './token.js';
