import { Controller, Get, Param, Query } from '@nestjs/common';
import { Allow, canFor, Who } from '@lineclear/access';
import { fields, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { claimsOf } from '../db/claims.repo.js';
import { grantsOf, holdersOf, type NotedGrant } from '../db/grants.repo.js';
import { findSecretId } from '../db/secrets.repo.js';
import { SOURCES } from '../domain/lookup.js';
import { SCOPES } from '../domain/scopes.js';
import { publicScope, scopeOf } from './scopes.js';
import { nameParam, scopeQuery } from './secret-schemas.js';

const MAX_HOLDERS = 200;
const PURPOSES = ['run', 'provider'] as const;

const given = {
  attempt: z.int(),
  /** `run`: for the job itself; `provider`: what its provider is called with. */
  purpose: z.enum(PURPOSES),
  /** Absent where the source counts none. */
  version: z.int().optional(),
  granted_at: z.iso.datetime(),
};
const jobAnswer = z.object({
  job_id: z.string(),
  user_id: z.int(),
  /** The names that its claims let it have, by attempt; not there for jobs that name none. */
  claims: z.array(
    z.object({ attempt: z.int(), names: z.array(z.string()), ended_at: z.iso.datetime().optional() }),
  ),
  secrets: z.array(
    z.object({
      name: z.string(),
      ...given,
      source: z.enum(SOURCES),
      scope: z.enum(SCOPES),
      team_id: z.int().optional(),
      org_id: z.int().optional(),
      /** Not there while the job has it. */
      ended_at: z.iso.datetime().optional(),
    }),
  ),
});
const holdersAnswer = z.object({
  name: z.string(),
  /** Of the store; not there for a name that only other sources have. */
  current_version: z.int().optional(),
  /** The first 200, those that have had it longest first. */
  holders: z.array(
    z.object({
      job_id: z.string(),
      user_id: z.int(),
      ...given,
      source: z.enum(SOURCES),
      /** Whether it has the version that is current in the store. */
      is_current: z.boolean(),
    }),
  ),
  total: z.int(),
});

const givenOf = (
  grant: NotedGrant,
): Pick<z.infer<typeof jobAnswer>['secrets'][number], keyof typeof given | 'source'> => ({
  attempt: grant.attempt,
  purpose: grant.purpose,
  source: grant.source,
  ...(grant.version === null ? {} : { version: grant.version }),
  granted_at: grant.granted_at.toISOString(),
});

/** Which secrets a job was given: whose, and which version. Never a value. */
@Controller('api/secrets/-/jobs')
export class ProvenanceController {
  constructor(private readonly database: Database) {}

  @Get(':job_id')
  @Allow()
  @Answers(200, jobAnswer, 'Tells which secrets a job was given, whose they were and which versions')
  async show(
    @Param('job_id', { schema: fields.jobId }) jobId: string,
    @Who() who: Principal,
  ): Promise<z.infer<typeof jobAnswer>> {
    const [claims, grants] = await Promise.all([
      claimsOf(this.database, jobId),
      grantsOf(this.database, jobId),
    ]);
    const owner = claims[0]
      ? { userId: claims[0].userId, orgId: claims[0].orgId }
      : grants[0] && { userId: grants[0].user_id, orgId: grants[0].org_id };
    if (!owner || !canFor(who, 'job.view', owner)) throw new NotFound('job', jobId);
    return {
      job_id: jobId,
      user_id: owner.userId,
      claims: claims.map(({ attempt, names, endedAt }) => ({
        attempt,
        names: [...names],
        ...(endedAt === null ? {} : { ended_at: endedAt.toISOString() }),
      })),
      secrets: grants.map((grant) => ({
        name: grant.name,
        ...givenOf(grant),
        ...publicScope(grant.scope),
        ...(grant.ended_at === null ? {} : { ended_at: grant.ended_at.toISOString() }),
      })),
    };
  }
}

/** Who would notice if a secret were revoked at its provider now. */
@Controller('api/secrets/:name/holders')
export class HoldersController {
  constructor(private readonly database: Database) {}

  @Get()
  @Allow()
  @Answers(
    200,
    holdersAnswer,
    'Lists the jobs under way that were given a secret, and which version: look here before you revoke one',
  )
  async list(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof holdersAnswer>> {
    // Whose jobs they are is for those alone who could take the secret away from them.
    const scope = scopeOf(who, query, 'set');
    const [secret, { holders, total }] = await Promise.all([
      findSecretId(this.database, scope, name),
      holdersOf(this.database, scope, name, MAX_HOLDERS),
    ]);
    if (!secret && total === 0) throw new NotFound('secret', name);
    return {
      name,
      ...(secret ? { current_version: secret.version } : {}),
      holders: holders.map((grant) => ({
        job_id: grant.job_id,
        user_id: grant.user_id,
        ...givenOf(grant),
        is_current: grant.source === 'store' && grant.version === secret?.version,
      })),
      total,
    };
  }
}
