import { Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { QUOTA_TYPES, usageOf, type Quota } from '@lineclear/contracts';
import { Database, NotFound, Unavailable } from '@lineclear/kit';
import type { OrgOfPerson, TeamOfPerson } from '../db/members.repo.js';
import * as quotas from '../db/quotas.repo.js';
import * as users from '../db/users.repo.js';
import { boundsOf, standingAt } from '../domain/ceilings.js';
import { ofOrg, ofTeam } from './manage-quotas.js';

const ASK_DEADLINE_MS = 2_000;

type Standing = ReturnType<typeof standingAt>;

interface TeamStanding {
  readonly team: TeamOfPerson;
  readonly standings: readonly Standing[];
}

/** How far a person is from every ceiling, in each of their teams. */
interface PersonStanding {
  readonly userId: number;
  readonly org: OrgOfPerson | null;
  /** The team that counts where a job names none: the one joined first. */
  readonly defaultTeamId: number | null;
  /** In the default team, or in none where the person has none. */
  readonly standings: readonly Standing[];
  readonly teams: readonly TeamStanding[];
}

/** What people may still use: quotas are kept here, what is used is known by whoever runs the jobs. */
@Injectable()
export class Standings {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  /** @throws NotFound; Unavailable when nobody tells what is used: it is not made up. */
  async of(userId: number): Promise<PersonStanding> {
    const person = await users.byId(this.database, userId);
    if (!person) throw new NotFound('user', userId);
    const { level, org } = person;
    const teams = person.teams ?? [];
    const set: Quota[] = await quotas.ofSubjects(this.database, [
      { scope: 'user', subject: String(userId) },
      { scope: 'level', subject: level },
      { scope: 'global', subject: '*' },
      ...teams.map(({ id }) => ofTeam(id)),
      ...(org ? [ofOrg(org.id)] : []),
    ]);
    const used = await ask(
      this.bus,
      usageOf,
      { user_id: userId, team_ids: teams.map(({ id }) => id), ...(org ? { org_id: org.id } : {}) },
      ASK_DEADLINE_MS,
    );
    if (org && !used.org) throw new Unavailable('what the organization uses was not told');

    const standingsIn = (teamId: number | undefined): Standing[] => {
      const team = used.teams.find(({ id }) => id === teamId)?.use;
      if (teamId !== undefined && !team) throw new Unavailable(`what team ${teamId} uses was not told`);
      return QUOTA_TYPES.map((type) =>
        standingAt(type, boundsOf(type, { userId, level, orgId: org?.id, teamId }, set), {
          user: used.user,
          team,
          org: used.org,
        }),
      );
    };
    const inTeams = teams.map((team) => ({ team, standings: standingsIn(team.id) }));
    const [first] = inTeams;
    return {
      userId,
      org,
      defaultTeamId: first?.team.id ?? null,
      standings: first?.standings ?? standingsIn(undefined),
      teams: inTeams,
    };
  }
}
