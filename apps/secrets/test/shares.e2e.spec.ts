import {
  auditRecorded,
  resolveSecrets,
  secretChanged,
  secretDemands,
  type Principal,
} from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { expectProblem, type Client } from '@lineclear/testkit';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRun, endJob, type ForRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

type Team = NonNullable<Principal['teams']>[number];

let house: SecretsHouse;
let anna: Client;
let tom: Client;
let annaId: number;
let tomId: number;
const acme = { id: 1, slug: 'acme' };
const vision: Team = { id: 3, slug: 'vision', role: 'admin' };

beforeAll(async () => {
  house = await openHouse();
  ({ http: anna, userId: annaId } = house.person('researcher', { org: acme }));
  ({ http: tom, userId: tomId } = house.person('researcher', { org: acme, teams: [vision] }));
});
afterAll(async () => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const set = (http: Client, name: string, value: string, more: object = {}) =>
  http.post('/api/secrets', { name, value, scope: 'user', ...more });
/** Anna's secret, shared; the share's id. */
async function shared(name: string, more: object = {}): Promise<number> {
  await set(anna, name, `anna's ${name}`);
  const to = { scope: 'user', to: 'user', id: tomId };
  const { status, body } = await anna.post(`/api/secrets/${name}/shares`, { ...to, ...more });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id as number;
}
const accept = (http: Client, id: number, more: object = {}) =>
  http.post(`/api/secrets/-/shared/${id}/accept`, { scope: 'user', ...more });
const revoke = (name: string, id: number) => anna.delete(`/api/secrets/${name}/shares/${id}?scope=user`);

async function asked(run: ForRun, ...names: string[]): Promise<Record<string, string> | string[]> {
  const key = new SealingKey();
  const question = { names, for: run, public_key: key.publicKey };
  const { box, missing } = await house.peer.ask(resolveSecrets, question);
  return box ? (JSON.parse(await key.open(box)) as Record<string, string>) : missing;
}
const resolve = async (whose: Omit<ForRun, 'purpose' | 'job_id' | 'attempt'>, ...names: string[]) =>
  asked(await claimRun(house.peer, names, whose), ...names);
const ofTom = (...names: string[]) => resolve({ user_id: tomId, org_id: 1 }, ...names);

describe('a secret that is shared', () => {
  it('is nothing to anybody until they give it a name, and then it is as their own', async () => {
    const id = await shared('HF_TOKEN');
    expect(await ofTom('HF_TOKEN')).toEqual(['HF_TOKEN']);
    const { body } = await tom.get('/api/secrets/-/shared');
    expect(body.shares).toContainEqual({
      id,
      name: 'HF_TOKEN',
      from: { scope: 'user', user_id: annaId },
      to: 'user',
      to_id: tomId,
      access: 'read',
      accepted_as: [],
    });
    expect(await accept(tom, id, { as: 'ANNAS_TOKEN' })).toMatchObject({
      status: 201,
      body: { name: 'ANNAS_TOKEN', scope: 'user' },
    });
    expect(await ofTom('ANNAS_TOKEN')).toEqual({ ANNAS_TOKEN: "anna's HF_TOKEN" });
    expect(await ofTom('HF_TOKEN')).toEqual(['HF_TOKEN']);
    await set(anna, 'HF_TOKEN', 'a newer one');
    expect(await ofTom('ANNAS_TOKEN')).toEqual({ ANNAS_TOKEN: 'a newer one' });
    expect((await anna.get('/api/secrets/HF_TOKEN/shares?scope=user')).body.shares).toEqual([
      expect.objectContaining({
        id,
        created_by: annaId,
        accepted_as: [{ name: 'ANNAS_TOKEN', scope: 'user', user_id: tomId }],
      }),
    ]);
    expect((await tom.get('/api/secrets/ANNAS_TOKEN/explain?scope=user')).body).toMatchObject({
      found_in: { source: 'store', scope: 'user' },
    });
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data.action)).toEqual(
        expect.arrayContaining(['secret.shared', 'secret.share_accepted']),
      ),
    );
  });

  it('takes no name that is there, nor is one taken that it has', async () => {
    const id = await shared('TAKEN');
    await set(tom, 'TAKEN', "tom's");
    expect((await accept(tom, id)).status).toBe(409);
    expect(await ofTom('TAKEN')).toEqual({ TAKEN: "tom's" });
    await tom.delete('/api/secrets/TAKEN?scope=user');
    // It can be had back.
    expect((await accept(tom, id)).status).toBe(409);
    await tom.delete('/api/secrets/TAKEN?scope=user&purge=true');
    expect((await accept(tom, id)).status).toBe(201);
    expect((await accept(tom, id)).status).toBe(201);
    expect(await set(tom, 'TAKEN', "tom's")).toMatchObject({ status: 403 });
    const content = 'TAKEN=x\n';
    const imported = { format: 'dotenv', content, scope: 'user' };
    expect((await tom.post('/api/secrets/-/import', imported)).status).toBe(409);
    expect(await ofTom('TAKEN')).toEqual({ TAKEN: "anna's TAKEN" });
  });

  it('is one secret under any names that many give and take at once', async () => {
    const ids = await Promise.all(['ONE', 'TWO', 'THREE'].map((name) => shared(name)));
    const answers = await Promise.all([
      ...ids.map((id) => accept(tom, id, { as: 'AT_ONCE' })),
      ...ids.map((id) => accept(tom, id, { as: 'AT_ONCE' })),
      ...['a', 'b', 'c'].map((value) => set(tom, 'AT_ONCE', value)),
    ]);
    const found = (await ofTom('AT_ONCE')) as Record<string, string>;
    const isShared = found['AT_ONCE']!.startsWith('anna');
    const [names, values] = [answers.slice(0, 6), answers.slice(6)];
    expect(names.filter(({ status }) => status === 201).length).toBe(isShared ? 2 : 0);
    expect(values.filter(({ status }) => status === 201).length).toBe(isShared ? 0 : 3);
    expect([403, 409, 201]).toEqual(expect.arrayContaining(answers.map(({ status }) => status)));
  });

  it('is set by others only with the access for it, and in the log with their name for it', async () => {
    const id = await shared('BOTH', { access: 'write' });
    await accept(tom, id, { as: 'OF_BOTH' });
    expect(await set(tom, 'OF_BOTH', 'set by tom', { expected_version: 1 })).toMatchObject({
      status: 201,
      body: { name: 'OF_BOTH', version: 2 },
    });
    expect(await resolve({ user_id: annaId }, 'BOTH')).toEqual({ BOTH: 'set by tom' });
    const { body } = await anna.get('/api/secrets/BOTH/versions?scope=user');
    expect(body.versions[0]).toMatchObject({ version: 2, created_by: tomId });
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({
          action: 'secret.set',
          target: 'secret/BOTH',
          details: expect.objectContaining({ through: `user:${tomId} OF_BOTH` }),
        }),
      ),
    );
    // Shared again with less.
    await anna.post('/api/secrets/BOTH/shares', { scope: 'user', to: 'user', id: tomId });
    expectProblem(await set(tom, 'OF_BOTH', 'again'), 'read only');
    for (const what of ['versions', 'history', 'shares'])
      expect((await tom.get(`/api/secrets/OF_BOTH/${what}?scope=user`)).status).toBe(404);
    expect((await tom.delete('/api/secrets/OF_BOTH?scope=user&purge=true')).status).toBe(404);
    expect((await tom.delete('/api/secrets/OF_BOTH?scope=user')).status).toBe(204);
    expect(await ofTom('OF_BOTH')).toEqual(['OF_BOTH']);
    expect(await resolve({ user_id: annaId }, 'BOTH')).toEqual({ BOTH: 'set by tom' });
  });

  it('ends when it is taken back, at its end, and with the secret, also for a job that has it', async () => {
    const id = await shared('ENDS');
    await accept(tom, id);
    const run = await claimRun(house.peer, ['ENDS'], { user_id: tomId, org_id: 1 });
    expect(await asked(run, 'ENDS')).toEqual({ ENDS: "anna's ENDS" });
    await set(anna, 'ENDS', 'newer');
    expect(await asked(run, 'ENDS')).toEqual({ ENDS: "anna's ENDS" });
    expect((await anna.get('/api/secrets/ENDS/holders?scope=user')).body).toMatchObject({
      total: 1,
      holders: [{ job_id: run.job_id, user_id: tomId, version: 1, is_current: false }],
    });
    await revoke('ENDS', id);
    expect(await asked(run, 'ENDS')).toEqual(['ENDS']);
    await vi.waitFor(() =>
      expect(house.peer.events(secretChanged).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ name: 'ENDS', scope: `user:${tomId}`, version: 0 }),
      ),
    );

    const expires_at = new Date(Date.now() + 60_000).toISOString();
    await accept(tom, await shared('FOR_A_MINUTE', { expires_at }));
    expect(await ofTom('FOR_A_MINUTE')).toEqual({ FOR_A_MINUTE: "anna's FOR_A_MINUTE" });
    house.clock.pass(61);
    expect(await ofTom('FOR_A_MINUTE')).toEqual(['FOR_A_MINUTE']);
    expect((await set(tom, 'FOR_A_MINUTE', 'x')).body.detail).toContain('shared no more');
    house.clock.laterMs = 0;

    await accept(tom, await shared('REMOVED'));
    await anna.delete('/api/secrets/REMOVED?scope=user');
    expect(await ofTom('REMOVED')).toEqual(['REMOVED']);
    await anna.post('/api/secrets/REMOVED/undelete', { scope: 'user' });
    expect(await ofTom('REMOVED')).toEqual({ REMOVED: "anna's REMOVED" });
    await anna.delete('/api/secrets/REMOVED?scope=user&purge=true');
    expect((await set(tom, 'REMOVED', 'own')).status).toBe(201);
  });

  it('is for a team or an organisation when those who set there take it, and for everyone who wants it', async () => {
    const toTeam = await shared('TO_TEAM', { to: 'team', id: vision.id });
    expect((await accept(tom, toTeam)).status).toBe(404);
    expect((await accept(anna, toTeam, { scope: 'team', team: 3 })).status).toBe(404);
    expect((await accept(tom, toTeam, { scope: 'team' })).body).toEqual({
      name: 'TO_TEAM',
      scope: 'team',
      team_id: 3,
    });
    expect(await resolve({ user_id: 999, team_id: 3 }, 'TO_TEAM')).toEqual({ TO_TEAM: "anna's TO_TEAM" });
    expect(await resolve({ user_id: 999, team_id: 4 }, 'TO_TEAM')).toEqual(['TO_TEAM']);

    const toAll = await shared('TO_ALL', { to: 'everyone', id: undefined });
    expect((await accept(house.as('researcher'), toAll)).status).toBe(201);
    expect((await accept(anna, toAll)).status).toBe(404);
    expect((await house.as('viewer').get('/api/secrets/-/shared')).status).toBe(403);
    const { body: first } = await tom.get('/api/secrets/-/shared?limit=1');
    expect(first.shares).toHaveLength(1);
    const { body: next } = await tom.get(`/api/secrets/-/shared?limit=200&cursor=${first.next_cursor}`);
    expect(next.shares.map(({ id }: { id: number }) => id)).toEqual(expect.arrayContaining([toAll, toTeam]));
    expect(next.shares.some(({ id }: { id: number }) => id === first.shares[0].id)).toBe(false);
  });

  it('asks for the approval that it demands, under any name', async () => {
    const id = await shared('GUARDED');
    await anna.patch('/api/secrets/GUARDED', { scope: 'user', requires_approval: true });
    await accept(tom, id, { as: 'UNGUARDED' });
    const jobs = [{ user_id: tomId, names: ['UNGUARDED'] }];
    expect(await house.peer.ask(secretDemands, { jobs })).toMatchObject({
      demands: [[{ name: 'UNGUARDED', scope: `user:${tomId}` }]],
    });
    await expect(ofTom('UNGUARDED')).rejects.toThrow('approval');
    const approved = [{ name: 'UNGUARDED', scope: `user:${tomId}` }];
    const run = await claimRun(house.peer, ['UNGUARDED'], { user_id: tomId }, approved);
    expect(await asked(run, 'UNGUARDED')).toEqual({ UNGUARDED: "anna's GUARDED" });
  });

  it('is refused where there is nothing to share, or nobody to share it with', async () => {
    await set(anna, 'MINE', 'x');
    const share = (body: object, name = 'MINE') =>
      anna.post(`/api/secrets/${name}/shares`, { scope: 'user', ...body });
    for (const [field, body] of [
      ['to', { to: 'nobody' }],
      ['to', { to: 'user', id: annaId }],
      ['id', { to: 'user' }],
      ['id', { to: 'everyone', id: 3 }],
      ['id', { to: 'team', id: 0 }],
      ['access', { to: 'everyone', access: 'own' }],
      ['expires_at', { to: 'everyone', expires_at: '2020-01-01T00:00:00Z' }],
    ] as const) {
      const answer = await share(body);
      expect(answer.status, JSON.stringify(body)).toBe(400);
      expectProblem(answer, JSON.stringify(body), field);
    }
    expect((await share({ to: 'everyone' }, 'NOT_THERE')).status).toBe(404);
    await house.admin.post('/api/secrets', { name: 'GLOBAL', value: 'x' });
    expect((await house.admin.post('/api/secrets/GLOBAL/shares', { to: 'everyone' })).status).toBe(400);
    expect((await tom.post('/api/secrets/MINE/shares', { scope: 'user', to: 'everyone' })).status).toBe(404);
    expect((await accept(tom, 999_999)).status).toBe(404);
    expect((await revoke('MINE', 999_999)).status).toBe(404);
  });

  it('is shared a hundred times at most', async () => {
    await set(anna, 'MANY', 'x');
    const { status } = await anna.post('/api/secrets/MANY/shares', { scope: 'user', to: 'user', id: 1_000 });
    expect(status).toBe(201);
    await house.service.database.query(
      `insert into secret_shares (secret_id, receiver, access, created_at, created_by)
       select secret_id, 'user:' || n, access, h.created_at, created_by from secret_shares h join secrets s on s.id = h.secret_id and s.name = 'MANY',
         generate_series(1001, 1099) n`,
    );
    const share = (id: number) => anna.post('/api/secrets/MANY/shares', { scope: 'user', to: 'user', id });
    expect((await share(1_100)).status).toBe(422);
    expect((await share(1_050)).status).toBe(201);
  });

  it('gives nobody what is not shared with them, and nobody another one than their own', async () => {
    const people = await Promise.all(
      [1, 2, 3].map(async (n) => ({ ...house.person('researcher'), value: `value of ${n}` })),
    );
    for (const { http, value } of people) await set(http, 'OWN', value);
    const person = fc.nat({ max: 2 });
    const step = fc.record({
      do: fc.constantFrom('share', 'accept', 'revoke', 'drop', 'expire', 'own', 'purge'),
      who: person,
      other: person,
      as: fc.constantFrom('OWN', 'GIVEN'),
    });
    const grantedBy = async (reader: number, name: string): Promise<number[]> => {
      const rows = await house.service.database.query<{ owner: string }>(
        `select s.scope as owner from secret_aliases a join secret_shares h on h.id = a.share_id join secrets s on s.id = h.secret_id
         where a.scope = $1 and a.name = $2 and (h.receiver = a.scope or h.receiver = 'everyone') and (h.expires_at is null or h.expires_at > now())`,
        [`user:${people[reader]!.userId}`, name],
      );
      return rows.map(({ owner }) => people.findIndex(({ userId }) => owner === `user:${userId}`));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        for (const { do: what, who, other, as } of steps) {
          const [actor, receiver] = [people[who]!, people[other]!];
          const { body } = await actor.http.get('/api/secrets/OWN/shares?scope=user');
          const id = (body.shares as { id: number; to_id: number }[] | undefined)?.find(
            ({ to_id }) => to_id === receiver.userId,
          )?.id;
          if (what === 'share' || what === 'expire') {
            const to = { scope: 'user', to: 'user', id: receiver.userId };
            await actor.http.post('/api/secrets/OWN/shares', to);
            if (what === 'expire')
              await house.service.database.query(
                `update secret_shares set expires_at = now() - interval '1 second' where id = $1`,
                [id ?? 0],
              );
          }
          if (what === 'accept' && id !== undefined) await accept(receiver.http, id, { as });
          if (what === 'revoke' && id !== undefined)
            await actor.http.delete(`/api/secrets/OWN/shares/${id}?scope=user`);
          if (what === 'drop') await actor.http.delete('/api/secrets/GIVEN?scope=user');
          if (what === 'own') await set(actor.http, as, actor.value);
          if (what === 'purge') await actor.http.delete(`/api/secrets/${as}?scope=user&purge=true`);
        }
        for (const [n, { userId, value }] of people.entries())
          for (const name of ['OWN', 'GIVEN']) {
            const found = await resolve({ user_id: userId }, name);
            const own = await house.service.database.query(
              'select 1 from secrets where scope = $1 and name = $2 and deleted_at is null',
              [`user:${userId}`, name],
            );
            const givers = await grantedBy(n, name);
            if (Array.isArray(found)) expect([...own, ...givers]).toEqual([]);
            else if (own.length > 0) expect(found[name]).toBe(value);
            else expect(givers.map((giver) => people[giver]!.value)).toContain(found[name]);
          }
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('a secret that is renamed', () => {
  it('has all its versions under the new name, and every alias', async () => {
    const id = await shared('OLD_NAME');
    await set(anna, 'OLD_NAME', 'second');
    await accept(tom, id, { as: 'ALIAS' });
    expect(await anna.post('/api/secrets/OLD_NAME/rename', { scope: 'user', to: 'NEW_NAME' })).toMatchObject({
      status: 201,
      body: { name: 'NEW_NAME', scope: 'user', version: 2 },
    });
    expect(await resolve({ user_id: annaId }, 'NEW_NAME')).toEqual({ NEW_NAME: 'second' });
    expect(await resolve({ user_id: annaId }, 'OLD_NAME')).toEqual(['OLD_NAME']);
    expect(await ofTom('ALIAS')).toEqual({ ALIAS: 'second' });
    const rolled = await anna.post('/api/secrets/NEW_NAME/rollback', { scope: 'user', version: 1 });
    expect(rolled.body.version).toBe(3);
    expect(await ofTom('ALIAS')).toEqual({ ALIAS: "anna's OLD_NAME" });
    const { body: history } = await anna.get('/api/secrets/NEW_NAME/history?scope=user');
    expect(history.changes.map(({ kind }: { kind: string }) => kind)).toEqual([
      'set',
      'renamed',
      'set',
      'set',
    ]);
    expect((await house.admin.post('/api/secrets/-/verify', {})).body).toMatchObject({ failed: [] });
    const told = () => house.peer.events(secretChanged).map(({ data }) => data);
    await vi.waitFor(() =>
      expect(told()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: 'OLD_NAME', scope: `user:${annaId}`, version: 0 }),
          expect.objectContaining({ name: 'NEW_NAME', scope: `user:${annaId}`, version: 2 }),
        ]),
      ),
    );
  });

  it('takes no name that is there or may be had back, and waits for the jobs that know it', async () => {
    for (const name of ['FROM', 'TO', 'GONE']) await set(anna, name, name);
    await anna.delete('/api/secrets/GONE?scope=user');
    const rename = (to: string, from = 'FROM') =>
      anna.post(`/api/secrets/${from}/rename`, { scope: 'user', to });
    expect((await rename('TO')).status).toBe(409);
    expect((await rename('GONE')).status).toBe(409);
    expect((await rename('FROM')).status).toBe(400);
    expect((await rename('no name')).status).toBe(400);
    expect((await rename('channel.1')).status).toBe(400);
    expect((await rename('ANY', 'NOT_THERE')).status).toBe(404);
    const run = await claimRun(house.peer, ['FROM'], { user_id: annaId });
    await asked(run, 'FROM');
    expect(await rename('ANY')).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('1 job') },
    });
    await endJob(house.peer, run);
    await vi.waitFor(async () => expect((await rename('ANY')).status).toBe(201));
    await anna.post('/api/users/me/credentials', {
      provider: 'openai',
      credential_name: 'OPENAI_API_KEY',
      credential_value: 'sk-x',
    });
    expect((await rename('OTHER', 'OPENAI_API_KEY')).status).toBe(409);
  });
});
