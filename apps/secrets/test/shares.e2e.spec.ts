import { auditRecorded, secretChanged, secretDemands } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRun } from './claim-run.js';
import { accept, openSharing, set, VISION, type SharingHouse } from './shares-house.js';

let house: SharingHouse['house'];
let anna: SharingHouse['anna'];
let annaId: SharingHouse['annaId'];
let tom: SharingHouse['tom'];
let tomId: SharingHouse['tomId'];
let shared: SharingHouse['shared'];
let revoke: SharingHouse['revoke'];
let asked: SharingHouse['asked'];
let resolve: SharingHouse['resolve'];
let ofTom: SharingHouse['ofTom'];

beforeAll(async () => {
  ({ house, anna, annaId, tom, tomId, shared, revoke, asked, resolve, ofTom } = await openSharing());
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

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
    const own = { provider: 'openai', credential_name: 'TAKEN', credential_value: 'sk-x' };
    expect((await tom.post('/api/users/me/credentials', own)).status).toBe(409);
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
    // A job that counts on it does not run on what is further out.
    await house.admin.post('/api/secrets', { name: 'FOR_A_MINUTE', value: 'everybody’s' });
    house.clock.pass(61);
    await expect(ofTom('FOR_A_MINUTE')).rejects.toThrow('shared no more');
    expect((await tom.get('/api/secrets/FOR_A_MINUTE/explain?scope=user')).body.sources[0]).toMatchObject({
      has: true,
      note: expect.stringContaining('ended'),
    });
    expect((await set(tom, 'FOR_A_MINUTE', 'x')).body.detail).toContain('shared no more');
    await tom.delete('/api/secrets/FOR_A_MINUTE?scope=user');
    expect(await ofTom('FOR_A_MINUTE')).toEqual({ FOR_A_MINUTE: 'everybody’s' });
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
    const toTeam = await shared('TO_TEAM', { to: 'team', id: VISION.id });
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

  it('is no template, which would be filled in with what its receiver has', async () => {
    await set(tom, 'OF_TOM', 'x');
    await set(anna, 'URL', 'https://host.test/${OF_TOM}', { template: true });
    const everyone = { scope: 'user', to: 'everyone' };
    expect((await anna.post('/api/secrets/URL/shares', everyone)).status).toBe(409);
    await accept(tom, await shared('LATER', { access: 'write' }));
    await set(anna, 'LATER', '${OF_TOM}', { template: true });
    await expect(ofTom('LATER')).rejects.toThrow('template');
    const byTom = await set(tom, 'LATER', '${OF_TOM}', { template: true });
    expect(byTom.status).toBe(400);
    expectProblem(byTom, 'a template', 'template');
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
            const found = await resolve({ user_id: userId }, name).catch((error: Error) => {
              expect(error.message).toContain('shared no more');
              return 'ended' as const;
            });
            const own = await house.service.database.query(
              'select 1 from secrets where scope = $1 and name = $2 and deleted_at is null',
              [`user:${userId}`, name],
            );
            const givers = await grantedBy(n, name);
            if (found === 'ended') expect([...own, ...givers]).toEqual([]);
            else if (Array.isArray(found)) expect([...own, ...givers]).toEqual([]);
            else if (own.length > 0) expect(found[name]).toBe(value);
            else expect(givers.map((giver) => people[giver]!.value)).toContain(found[name]);
          }
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
