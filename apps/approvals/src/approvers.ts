import { Injectable } from '@nestjs/common';
import { mayApproveFor, tenantOf } from '@lineclear/access';
import { askPatiently, Bus } from '@lineclear/bus';
import {
  approversFor,
  deciderNow,
  reaches,
  type Level,
  type Principal,
  type ReplyOf,
} from '@lineclear/contracts';
import { Clock, Database } from '@lineclear/kit';
import { awayNow, standsInFor } from './db/absences.repo.js';
import { settingsNow } from './db/settings.repo.js';
import { votesOf } from './db/votes.repo.js';
import { levelsOf, statusAt, type ApprovalRequest } from './domain/approval-request.js';
import type { Decider, Rights } from './domain/decide.js';
import { whomToAsk, type Circles, type Person } from './domain/whom-to-ask.js';
import { votedIn } from './domain/votes.js';

const DEADLINE_MS = 1_500;

type Known = NonNullable<ReplyOf<typeof deciderNow>['decider']>;

/** Who may decide, as auth knows people, with who is away and who stands in, as is known here. */
@Injectable()
export class Approvers {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** Whom to ask about a request as it stands; nobody where it does not wait for them. @throws Unavailable while auth does not answer */
  async toAsk(request: ApprovalRequest): Promise<readonly Person[]> {
    const circles = (): Promise<Circles> => this.circlesOf(request);
    // Whoever could have decided it may look at it, and everybody is told.
    if (request.bypassReview === 'due') return whomToAsk(await circles(), Infinity);
    if (request.awaits !== 'approvers' || statusAt(request, this.clock.now()) !== 'pending') return [];
    return whomToAsk(await circles(), request.escalations);
  }

  async circlesOf(request: ApprovalRequest): Promise<Circles> {
    const { escalation, fallback_user_ids } = await settingsNow(this.database);
    const reach = await Promise.all([
      this.#reaching(request, []),
      ...escalation.map(({ level }) => this.#reaching(request, [level])),
    ]);
    // Of each circle those whom no later one has.
    const circles = reach.map((people, n) => {
      const later = new Set(reach.slice(n + 1).flatMap((ones) => ones.map(({ user_id }) => user_id)));
      return people.filter(({ user_id }) => !later.has(user_id));
    });
    const votes = await votesOf(this.database, [request.id]);
    const fallback = await this.#knowing(fallback_user_ids, request);
    return {
      circles,
      fallback: fallback
        .filter((one) => levelsOf(request).every((level) => reaches(one, level)))
        .map(addressOf),
      away: await this.#away([...reach.flat().map(({ user_id }) => user_id), ...fallback_user_ids], request),
      not: [request.userId, ...votedIn(request, votes)],
    };
  }

  /** Somebody who decides, with those in whose place they may. @throws Unavailable while auth does not answer for these */
  async deciderOf(rights: Rights): Promise<Decider> {
    const [{ fallback_user_ids }, ids] = await Promise.all([
      settingsNow(this.database),
      standsInFor(this.database, rights.userId, this.clock.now()),
    ]);
    const away = await Promise.all(ids.map((id) => this.known(id)));
    return {
      ...rights,
      inPlaceOf: away
        .filter((one) => one !== null)
        .filter(({ permissions }) => permissions.includes('admin.approve'))
        .map((one) => ({ ...rightsOf(one), tenant: tenantOf(one) })),
      isFallback: fallback_user_ids.includes(rights.userId),
    };
  }

  /** Somebody who is active and has an address, as auth knows them now. @throws Unavailable while it does not answer */
  async known(userId: number): Promise<Known | null> {
    const { decider } = await askPatiently(this.bus, deciderNow, { user_id: userId }, DEADLINE_MS);
    return decider;
  }

  async #reaching(request: ApprovalRequest, more: readonly Level[]): Promise<readonly Person[]> {
    const teamId = request.stages[request.stage]!.team_id;
    const { people } = await askPatiently(
      this.bus,
      approversFor,
      {
        org_id: request.orgId,
        levels: [...new Set([...levelsOf(request), ...more])],
        ...(teamId !== undefined && { team_id: teamId }),
        not: request.userId,
      },
      DEADLINE_MS,
    );
    return people;
  }

  /** Of these people those who may know of the request. */
  async #knowing(ids: readonly number[], { orgId }: ApprovalRequest): Promise<Known[]> {
    const found = await Promise.all(ids.map((id) => this.known(id)));
    return found.filter((one) => one !== null).filter((one) => mayApproveFor(one, orgId));
  }

  async #away(ids: readonly number[], request: ApprovalRequest): Promise<Map<number, Person | undefined>> {
    const absences = await awayNow(this.database, ids, this.clock.now());
    const standIns = await this.#knowing(
      [...new Set(absences.map(({ standInId }) => standInId).filter((id) => id !== null))],
      request,
    );
    const byId = new Map(standIns.map((one) => [one.user_id, addressOf(one)]));
    // Who stands in may be away too.
    const gone = await awayNow(this.database, [...byId.keys()], this.clock.now());
    const found = absences.map(({ userId, standInId }) => [userId, byId.get(standInId ?? 0)] as const);
    return new Map([
      ...gone.map(({ userId }) => [userId, undefined] as const),
      // The last one counts: of somebody's absences at the same time one in which somebody stands in for them.
      ...found.toSorted(([, a], [, b]) => Number(a !== undefined) - Number(b !== undefined)),
    ]);
  }
}

const addressOf = ({ user_id, username, email }: Known): Person => ({ user_id, username, email });

export const rightsOf = (
  who: Pick<Principal, 'user_id' | 'username' | 'level' | 'reaches' | 'teams'>,
): Rights => ({
  userId: who.user_id,
  username: who.username,
  level: who.level,
  reaches: who.reaches,
  teamIds: (who.teams ?? []).map(({ id }) => id),
});
