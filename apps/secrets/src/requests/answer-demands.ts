import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { secretDemands, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import { demandingOf } from '../db/secrets.repo.js';
import { demandsOf } from '../domain/demands.js';
import { scopesOf } from '../domain/lookup.js';
import { GLOBAL } from '../domain/scopes.js';

/**
 * Tells which secrets of a new job take an approval. Only the store knows: where another source has the name and is asked
 * first, an approval is asked for that would not be needed.
 */
@Controller()
export class AnswerDemands {
  constructor(private readonly database: Database) {}

  @OnRequest(secretDemands)
  async demands({ jobs }: RequestOf<typeof secretDemands>): Promise<ReplyOf<typeof secretDemands>> {
    const asked = jobs.map(({ names, user_id: userId, team_id: teamId, org_id: orgId }) => ({
      names: [...new Set(names)],
      scopes: [...scopesOf({ userId, teamId, orgId }), GLOBAL],
    }));
    const stored = await demandingOf(
      this.database,
      [...new Set(asked.flatMap(({ names }) => names))],
      [...new Set(asked.flatMap(({ scopes }) => scopes))],
    );
    return { demands: asked.map(({ names, scopes }) => demandsOf(names, scopes, stored)) };
  }
}
