import { Controller } from '@nestjs/common';
import { mayApproveFor } from '@lineclear/access';
import { OnRequest } from '@lineclear/bus';
import {
  approversFor,
  deciderNow,
  MAX_APPROVERS,
  reaches,
  type ReplyOf,
  type RequestOf,
} from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import { candidates, decider, type DeciderRow } from '../db/deciders.repo.js';
import { permissionsOf } from '../domain/permissions.js';

type Decider = NonNullable<ReplyOf<typeof deciderNow>['decider']>;

/** Tells who is to be asked for an approval, and whether somebody who answers by mail may give it. */
@Controller()
export class AnswerDeciders {
  constructor(private readonly database: Database) {}

  @OnRequest(approversFor)
  async approvers({
    org_id,
    levels,
    team_id,
    not,
  }: RequestOf<typeof approversFor>): Promise<ReplyOf<typeof approversFor>> {
    const people = (await candidates(this.database, org_id)).map(deciderOf);
    const asked = people.filter(
      (who) =>
        who.user_id !== not &&
        mayApproveFor(who, org_id) &&
        levels.every((level) => reaches(who, level)) &&
        (team_id === undefined || who.teams?.some(({ id }) => id === team_id)),
    );
    return {
      people: asked
        .slice(0, MAX_APPROVERS)
        .map(({ user_id, username, email }) => ({ user_id, username, email })),
    };
  }

  @OnRequest(deciderNow)
  async decider({ user_id }: RequestOf<typeof deciderNow>): Promise<ReplyOf<typeof deciderNow>> {
    const row = await decider(this.database, user_id);
    return { decider: row ? deciderOf(row) : null };
  }
}

const deciderOf = (row: DeciderRow): Decider => ({
  user_id: row.user_id,
  username: row.username,
  email: row.email,
  level: row.level,
  reaches: [...row.reaches],
  permissions: permissionsOf(row),
  ...(row.org === null ? {} : { org: row.org }),
  ...(row.teams === null ? {} : { teams: [...row.teams] }),
});
