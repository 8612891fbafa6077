import { resolveSecrets, type Principal } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { expectProblem, type Client } from '@lineclear/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

type Team = NonNullable<Principal['teams']>[number];

let house: SecretsHouse;
let anna: Client;
let tom: Client;
let lea: Client;
let orgAdmin: Client;
const acme = { id: 1, slug: 'acme' };
const vision: Team = { id: 3, slug: 'vision', role: 'admin' };
let annaId: number;

beforeAll(async () => {
  house = await openHouse();
  ({ http: anna, userId: annaId } = house.person('researcher', { org: acme, teams: [vision] }));
  tom = house.as('researcher', { org: acme, teams: [{ ...vision, role: 'member' }] });
  lea = house.as('lead', {
    org: acme,
    teams: [
      { ...vision, role: 'member' },
      { id: 4, slug: 'text', role: 'member' },
    ],
  });
  orgAdmin = house.as('admin', {
    org: acme,
    permissions: ['job.submit', 'admin.config', 'job.view.all', 'team.manage.members'],
  });
});
afterAll(async () => house?.close());

interface Whose {
  user_id: number;
  team_id?: number;
  org_id?: number;
}

async function resolve(whose: Whose, ...names: string[]): Promise<Record<string, string> | string[]> {
  const key = new SealingKey();
  const { box, missing } = await house.peer.ask(resolveSecrets, {
    names,
    for: await claimRun(house.peer, names, whose),
    public_key: key.publicKey,
  });
  return box ? (JSON.parse(await key.open(box)) as Record<string, string>) : missing;
}

it('gives a job the nearest of what its submitter, their team, their organisation and everybody have', async () => {
  const set = async (http: Client, name: string, value: string, scope: string): Promise<void> => {
    const { status, body } = await http.post('/api/secrets', { name, value, scope });
    expect(status, JSON.stringify(body)).toBe(201);
  };
  for (const name of ['A', 'B', 'C', 'D']) await set(house.admin, name, 'shared', 'global');
  for (const name of ['A', 'B', 'C']) await set(orgAdmin, name, 'of acme', 'org');
  for (const name of ['A', 'B']) await set(anna, name, 'of vision', 'team');
  expect(await resolve({ user_id: annaId, team_id: 3, org_id: 1 }, 'A', 'B', 'C', 'D')).toEqual({
    A: 'of vision',
    B: 'of vision',
    C: 'of acme',
    D: 'shared',
  });
  await set(anna, 'A', "anna's", 'user');
  expect(await resolve({ user_id: annaId, team_id: 3, org_id: 1 }, 'A', 'B')).toEqual({
    A: "anna's",
    B: 'of vision',
  });
  // Of a job that counts under neither, the team and the organisation are none of its business.
  expect(await resolve({ user_id: annaId }, 'A', 'B', 'C')).toEqual({
    A: "anna's",
    B: 'shared',
    C: 'shared',
  });
  expect(await resolve({ user_id: annaId + 1_000, team_id: 4, org_id: 2 }, 'B', 'C')).toEqual({
    B: 'shared',
    C: 'shared',
  });
});

describe('a team’s and an organisation’s', () => {
  it('are set by their admins and leads, seen by their people, and not there for anybody else', async () => {
    const stranger = house.as('admin', {
      org: { id: 2, slug: 'umbrella' },
      permissions: ['job.submit', 'admin.config', 'team.manage.members'],
    });
    const body = { name: 'RIGHTS', value: 'x', scope: 'team', team: 3 };
    expect((await tom.post('/api/secrets', body)).status).toBe(403);
    expect((await stranger.post('/api/secrets', body)).status).toBe(404);
    expect((await lea.post('/api/secrets', body)).status).toBe(201);
    const seen = await tom.get('/api/secrets/RIGHTS?scope=team');
    expect(seen.body).toMatchObject({ name: 'RIGHTS', scope: 'team', team_id: 3, version: 1 });
    expect((await tom.delete('/api/secrets/RIGHTS?scope=team')).status).toBe(403);
    for (const path of ['', '/RIGHTS', '/RIGHTS/explain', '/RIGHTS/versions', '/RIGHTS/history'])
      expect((await stranger.get(`/api/secrets${path}?scope=team&team=3`)).status, path).toBe(404);

    const ofOrg = { name: 'RIGHTS', value: 'y', scope: 'org', org: 1 };
    expect((await anna.post('/api/secrets', ofOrg)).status).toBe(403);
    expect((await stranger.post('/api/secrets', ofOrg)).status).toBe(404);
    expect((await orgAdmin.post('/api/secrets', ofOrg)).body).toMatchObject({
      scope: 'org',
      org_id: 1,
      version: 1,
    });
    // What is everybody's is none of an organisation's business.
    expect((await orgAdmin.post('/api/secrets', { name: 'RIGHTS', value: 'z' })).status).toBe(403);
    expect((await house.admin.get('/api/secrets/RIGHTS?scope=org&org=1')).status).toBe(200);
    expect((await house.admin.get('/api/secrets/RIGHTS')).status).toBe(404);
  });

  it('are named by id where it is not clear which, and only for their scope', async () => {
    const alone = house.as('researcher');
    expectProblem(await lea.get('/api/secrets?scope=team'), 'several', 'team');
    expectProblem(await alone.get('/api/secrets?scope=team'), 'none', 'team');
    expectProblem(await alone.get('/api/secrets?scope=org'), 'none', 'org');
    expectProblem(await lea.get('/api/secrets?scope=user&team=3'), 'wrong scope', 'team');
    expectProblem(
      await lea.post('/api/secrets', { name: 'A', value: 'x', scope: 'team', org: 1 }),
      'post',
      'org',
    );
    expectProblem(await lea.get('/api/secrets?scope=team&team=0'), 'zero', 'team');
    expect((await lea.get('/api/secrets?scope=team&team=4')).body).toEqual({ secrets: [], total: 0 });
  });

  it('are explained from where a job of their people looks', async () => {
    await house.admin.post('/api/secrets', { name: 'WHERE', value: 'x' });
    await orgAdmin.post('/api/secrets', { name: 'WHERE', value: 'x', scope: 'org' });
    const { body } = await tom.get('/api/secrets/WHERE/explain?scope=team');
    expect(body.found_in).toEqual({ source: 'store', scope: 'org', org_id: 1 });
    expect(body.sources.map((one: { scope: string }) => one.scope).slice(0, 3)).toEqual([
      'team',
      'org',
      'global',
    ]);
    const own = await tom.get('/api/secrets/WHERE/explain?scope=user');
    expect(own.body.sources.map((one: { scope: string }) => one.scope).slice(0, 4)).toEqual([
      'user',
      'team',
      'org',
      'global',
    ]);
  });
});

it('gives no job what belongs to a person, team or organisation that is not its own', async () => {
  const { database } = house.service;
  const kept = [501, 502, 503].flatMap((id) => [`team:${id}`, `org:${id}`]);
  const staff = house.as('admin');
  for (const scope of kept) {
    const [kind, id] = scope.split(':') as ['team' | 'org', string];
    const answer = await staff.post('/api/secrets', {
      name: 'WHOSE',
      value: scope,
      scope: kind,
      [kind]: Number(id),
    });
    expect(answer.status).toBe(201);
  }
  const id = fc.integer({ min: 501, max: 504 });
  const people = fc.record({ user_id: id, team_id: id, org_id: id }, { requiredKeys: ['user_id'] });
  await fc.assert(
    fc.asyncProperty(people, async (whose) => {
      const expected = [`team:${whose.team_id}`, `org:${whose.org_id}`].find((scope) => kept.includes(scope));
      expect(await resolve(whose, 'WHOSE')).toEqual(expected === undefined ? ['WHOSE'] : { WHOSE: expected });
    }),
    { numRuns: 60 },
  );
  expect(
    await database.query("select 1 from access_log where name = 'WHOSE' and outcome = 'released'"),
  ).not.toEqual([]);
});
