import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Allow, audited, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import { listPolicies, setPolicy } from '../db/provider-policies.repo.js';
import { DEFAULT_POLICY, PROVIDER_POLICIES } from '../domain/provider-policy.js';
import { scopeOf } from './scopes.js';

const policyBody = z.strictObject({ policy: z.enum(PROVIDER_POLICIES) });
const policyAnswer = z.object({
  provider: z.string(),
  policy: z.enum(PROVIDER_POLICIES),
  updated_at: z.iso.datetime(),
  updated_by: z.int(),
});
const policiesAnswer = z.object({
  /** Of every provider that is not listed. */
  default_policy: z.enum(PROVIDER_POLICIES),
  policies: z.array(policyAnswer),
});

/** On whose credential the jobs of each provider run. */
@Controller('api/secrets/-/policies')
export class PoliciesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, policiesAnswer, 'Lists the providers with a policy of their own')
  async list(): Promise<z.infer<typeof policiesAnswer>> {
    const rows = await listPolicies(this.database);
    return {
      default_policy: DEFAULT_POLICY,
      policies: rows.map((row) => ({ ...row, updated_at: row.updated_at.toISOString() })),
    };
  }

  @Put(':provider')
  @Allow('admin.config')
  @Answers(
    200,
    policyAnswer,
    'Sets on whose credential jobs of a provider run; for attempts that have none yet',
  )
  async set(
    @Param('provider', { schema: fields.provider }) provider: string,
    @Body({ schema: policyBody }) { policy }: z.infer<typeof policyBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof policyAnswer>> {
    // It is about everybody's jobs.
    scopeOf(who, { scope: 'global' }, 'set');
    const now = this.clock.now();
    await this.database.tx(async (tx) => {
      await setPolicy(tx, { provider, policy, updated_at: now, updated_by: who.user_id });
      await this.bus.publish(
        tx,
        audited('provider.credential_policy_set', { target: `provider/${provider}`, details: { policy } }),
      );
    });
    return { provider, policy, updated_at: now.toISOString(), updated_by: who.user_id };
  }
}
