import { introspect, type Principal, type TeamRole } from '@lineclear/contracts';
import { hashToken } from '@lineclear/access';
import type { Answer } from '@lineclear/testkit';
import { expect } from 'vitest';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

/** The auth service with a way to make organisations and teams, and to put people into them. */
export interface OrgHouse extends AuthHouse {
  makeOrg(more?: object): Promise<number>;
  makeTeam(org: number, more?: object): Promise<number>;
  joinOrg(org: number, user: { id: number }): Promise<void>;
  joinTeam(org: number, team: number, user: { id: number }, role?: TeamRole): Promise<void>;
  /** What other services are told of the owner of a key. */
  carried(token: string): Promise<Pick<Principal, 'org' | 'teams'>>;
  /** Takes away every organisation and quota. */
  empty(): Promise<void>;
}

export const ORGS = '/api/orgs';

/** The body of an answer, which must have this status. */
export const ok = ({ status, body }: Answer, expected = 200): Answer['body'] => {
  expect(status, JSON.stringify(body)).toBe(expected);
  return body;
};
export const statusesOf = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

export async function openOrgHouse(): Promise<OrgHouse> {
  const house = await openAuthHouse();
  const { admin } = house;
  let made = 0;
  return {
    ...house,
    async makeOrg(more = {}) {
      made += 1;
      const body = { name: 'ML Research', slug: `ml-${made}`, ...more };
      return ok(await admin.post(ORGS, body), 201).organization.id as number;
    },
    async makeTeam(org, more = {}) {
      made += 1;
      const body = { name: 'NLP Team', slug: `nlp-${made}`, ...more };
      return ok(await admin.post(`${ORGS}/${org}/teams`, body), 201).team.id as number;
    },
    async joinOrg(org, { id }) {
      ok(await admin.post(`${ORGS}/${org}/members`, { user_id: id }), 201);
    },
    async joinTeam(org, team, { id }, role = 'member') {
      ok(await admin.post(`${ORGS}/${org}/teams/${team}/members`, { user_id: id, role }), 201);
    },
    async carried(token) {
      const { principal } = await house.peer.ask(introspect, {
        kind: 'api_key',
        token_sha256: hashToken(token),
      });
      return { org: principal?.org, teams: principal?.teams } as Pick<Principal, 'org' | 'teams'>;
    },
    async empty() {
      for (const table of ['quotas', 'org_members', 'teams', 'organizations'])
        await house.service.database.query(`delete from ${table}`);
    },
  };
}
