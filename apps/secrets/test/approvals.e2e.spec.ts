import { auditRecorded, resolveSecrets, secretDemands } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRun, type ForRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const set = (name: string, more: object = {}) =>
  house.admin.post('/api/secrets', { name, value: `value-of-${name}`, ...more });
const change = (name: string, body: object) => house.admin.patch(`/api/secrets/${name}`, body);
const shown = async (name: string): Promise<Record<string, unknown>> =>
  (await house.admin.get(`/api/secrets/${name}`)).body;
const demands = async (names: string[], people: { user_id: number; team_id?: number; org_id?: number }) =>
  (await house.peer.ask(secretDemands, { jobs: [{ ...people, names }] })).demands[0];
async function resolve(run: ForRun, ...names: string[]): Promise<unknown> {
  const key = new SealingKey();
  const { box } = await house.peer.ask(resolveSecrets, { names, for: run, public_key: key.publicKey });
  return JSON.parse(await key.open(box!));
}
const GLOBAL = (name: string) => ({ name, scope: 'global' });
const NEEDS = { requires_approval: true };

describe('the demand', () => {
  it('is set with the value, stays with the next one, is shown, and can be changed and taken away', async () => {
    expect((await set('PLAIN')).status).toBe(201);
    expect(await shown('PLAIN')).toMatchObject({ requires_approval: false });
    expect(await shown('PLAIN')).not.toHaveProperty('approval_level');
    await set('GUARDED', NEEDS);
    expect(await shown('GUARDED')).toMatchObject({ ...NEEDS, approval_level: 'lead', version: 1 });
    expect((await change('GUARDED', { ...NEEDS, approval_level: 'admin' })).body).toMatchObject({
      ...NEEDS,
      approval_level: 'admin',
      version: 1,
    });
    for (const more of [{}, NEEDS]) {
      await set('GUARDED', more);
      expect(await shown('GUARDED')).toMatchObject({ ...NEEDS, approval_level: 'admin' });
    }
    const { secrets } = (await house.admin.get('/api/secrets')).body;
    expect(secrets.find(({ name }: { name: string }) => name === 'GUARDED')).toMatchObject(NEEDS);
    expect((await change('GUARDED', { requires_approval: false })).body).toMatchObject({
      requires_approval: false,
    });
    await vi.waitFor(() =>
      expect(
        house.peer
          .events(auditRecorded)
          .map(({ data }) => data)
          .filter(({ action, target }) => action === 'secret.settings_changed' && target === 'secret/GUARDED')
          .map(({ details }) => details['approval_level']),
      ).toEqual([
        { from: null, to: 'lead' },
        { from: 'lead', to: 'admin' },
        { from: 'admin', to: null },
      ]),
    );
  });

  it('survives removing and rolling back', async () => {
    await set('BACK', NEEDS);
    await set('BACK');
    await house.admin.post('/api/secrets/BACK/rollback', { version: 1 });
    await house.admin.delete('/api/secrets/BACK');
    await house.admin.post('/api/secrets/BACK/undelete', {});
    expect(await shown('BACK')).toMatchObject({ ...NEEDS, version: 3 });
    await house.admin.delete('/api/secrets/BACK');
    await set('BACK');
    expect(await shown('BACK')).toMatchObject(NEEDS);
  });

  it('names a level that its setter reaches', async () => {
    const lead = house.as('lead');
    const mine = { name: 'MINE', value: 'x', scope: 'user', ...NEEDS };
    for (const approval_level of ['admin', 'gone'])
      expect(await lead.post('/api/secrets', { ...mine, approval_level })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'approval_level' }] },
      });
    expect((await lead.post('/api/secrets', mine)).status).toBe(201);
    const answer = await lead.patch('/api/secrets/MINE', {
      scope: 'user',
      ...NEEDS,
      approval_level: 'admin',
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'approval_level' }] } });
    expect((await lead.get('/api/secrets/MINE?scope=user')).body).toMatchObject({ approval_level: 'lead' });
  });
});

describe('settings', () => {
  it('change one by one without a new version, and what is not said stays', async () => {
    const ends = new Date(Date.now() + 86_400_000).toISOString();
    await set('SETTINGS', { description: 'first' });
    expect((await change('SETTINGS', { expires_at: ends })).body).toMatchObject({
      description: 'first',
      expires_at: ends,
      version: 1,
    });
    const cleared = (await change('SETTINGS', { description: null, expires_at: null })).body;
    expect(cleared).not.toHaveProperty('description');
    expect(cleared).not.toHaveProperty('expires_at');
    expect((await change('SETTINGS', {})).status).toBe(200);
    expect((await change('NOT_THERE', NEEDS)).status).toBe(404);
    expect((await house.ada.patch('/api/secrets/SETTINGS', NEEDS)).status).toBe(403);
    const past = await change('SETTINGS', { expires_at: '2020-01-01T00:00:00Z' });
    expect(past).toMatchObject({ status: 400, body: { errors: [{ path: 'expires_at' }] } });
  });

  it('refuses bad input, and changes nothing', async () => {
    await set('BAD');
    const wrong: [string, object][] = [
      ['approval_level', { approval_level: 'lead' }],
      ['approval_level', { requires_approval: false, approval_level: 'lead' }],
      ['approval_level', { ...NEEDS, approval_level: 'No Level' }],
      ['requires_approval', { requires_approval: 'yes' }],
      ['description', { description: '' }],
      ['value', { value: 'x' }],
    ];
    await refusesBadInput(house.admin.patch, '/api/secrets/BAD', NEEDS, wrong);
    expect(await shown('BAD')).toMatchObject({ requires_approval: false, version: 1 });
    const inFile = await set('BAD', { source: 'file', ...NEEDS });
    expect(inFile).toMatchObject({ status: 400, body: { errors: [{ path: 'requires_approval' }] } });
  });
});

it('tells at a submit which names of a job take an approval: of those that the job would be given', async () => {
  const org = { id: 81, slug: 'o' };
  const { http, userId } = house.person('researcher', { org });
  await set('ASKED', NEEDS);
  await house.admin.post('/api/secrets', { name: 'OF_ORG', value: 'x', scope: 'org', org: 81, ...NEEDS });
  const people = { user_id: userId, org_id: 81 };
  const asked = { ...GLOBAL('ASKED'), level: 'lead' };
  expect(await demands(['PLAIN', 'ASKED', 'OF_ORG', 'NOT_THERE'], people)).toEqual([
    asked,
    { name: 'OF_ORG', scope: 'org:81', level: 'lead' },
  ]);
  expect(await demands(['ASKED', 'OF_ORG'], { user_id: userId })).toEqual([asked]);
  await http.post('/api/secrets', { name: 'ASKED', value: 'mine', scope: 'user' });
  expect(await demands(['ASKED'], people)).toEqual([]);
  expect(await demands(['ASKED'], { user_id: userId + 1 })).toEqual([asked]);
});

describe('a run', () => {
  it('gets what takes an approval only if its job has it, and is told what to do', async () => {
    await set('KEY', NEEDS);
    const without = await claimRun(house.peer, ['KEY', 'PLAIN'], { user_id: 7 });
    await expect(resolve(without, 'KEY', 'PLAIN')).rejects.toThrow(
      'KEY needs an approval that the job does not have: submit the job again',
    );
    expect(await resolve(without, 'PLAIN')).toEqual({ PLAIN: 'value-of-PLAIN' });
    const approved = await claimRun(house.peer, ['KEY', 'PLAIN'], { user_id: 7 }, [GLOBAL('KEY')]);
    expect(await resolve(approved, 'KEY', 'PLAIN')).toMatchObject({ KEY: 'value-of-KEY' });
    const lines = await house.service.database.query(
      `select name, outcome from access_log where job_id = $1 and name = 'KEY'`,
      [without.job_id],
    );
    expect(lines).toEqual([{ name: 'KEY', outcome: 'refused' }]);
    await vi.waitFor(() =>
      expect(house.peer.events(auditRecorded).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ action: 'secret.refused', target: `job/${without.job_id}` }),
      ),
    );
  });

  it('does not get it where the demand came after the claim, even what it was given before', async () => {
    await set('LATE');
    const run = await claimRun(house.peer, ['LATE'], { user_id: 7 });
    expect(await resolve(run, 'LATE')).toEqual({ LATE: 'value-of-LATE' });
    await change('LATE', NEEDS);
    await expect(resolve(run, 'LATE')).rejects.toThrow('LATE needs an approval');
    await change('LATE', { requires_approval: false });
    expect(await resolve(run, 'LATE')).toEqual({ LATE: 'value-of-LATE' });
  });

  it('does not get it by way of a template that refers to it', async () => {
    await set('PART', NEEDS);
    await set('WHOLE', { value: '<${PART}>', template: true });
    const run = await claimRun(house.peer, ['WHOLE'], { user_id: 7 });
    await expect(resolve(run, 'WHOLE')).rejects.toThrow('PART needs an approval');
    const both = await claimRun(house.peer, ['WHOLE', 'PART'], { user_id: 7 }, [GLOBAL('PART')]);
    expect(await resolve(both, 'WHOLE')).toEqual({ WHOLE: '<value-of-PART>' });
  });

  it('does not get another secret with the approval of one of that name', async () => {
    const { http, userId } = house.person('researcher');
    await set('SAME', NEEDS);
    await http.post('/api/secrets', { name: 'SAME', value: 'mine', scope: 'user' });
    const mine = [{ name: 'SAME', scope: `user:${userId}` }];
    const run = await claimRun(house.peer, ['SAME'], { user_id: userId }, mine);
    await http.delete('/api/secrets/SAME?scope=user');
    await expect(resolve(run, 'SAME')).rejects.toThrow('SAME needs an approval');
  });
});
