import { auditRecorded, resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { pendingEvents } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimRun, endJob, newJobId, type ForRun } from './claim-run.js';
import { job, keep, NAME, openProvidersHouse, type ProvidersHouse } from './providers-house.js';

let house: ProvidersHouse;
beforeAll(async () => {
  house = await openProvidersHouse();
  for (const [name, value] of [
    ['HF_TOKEN', 'hf-1'],
    ['OTHER', 'other'],
  ])
    await house.admin.post('/api/secrets', { name, value });
});
afterAll(async () => house?.close());

async function resolve(run: ForRun, ...names: string[]): Promise<unknown> {
  const key = new SealingKey();
  const { box, missing } = await house.peer.ask(resolveSecrets, {
    names,
    for: run,
    public_key: key.publicKey,
  });
  return box ? JSON.parse(await key.open(box)) : missing;
}
const rows = (table: 'claims' | 'grants', jobId: string): Promise<Record<string, unknown>[]> =>
  house.service.database.query(`select * from ${table} where job_id = $1 order by attempt`, [jobId]);
const settled = (): Promise<void> =>
  vi.waitFor(async () => expect(await pendingEvents(house.backends.nats.url, 'secrets')).toBe(0));
const setHf = (value: string): Promise<unknown> =>
  house.admin.post('/api/secrets', { name: 'HF_TOKEN', value });

describe('a run gets secrets', () => {
  it('for a job that is claimed, of its people and of its names alone; what is refused is told', async () => {
    const run = await claimRun(house.peer, ['HF_TOKEN'], { user_id: 7, team_id: 3, org_id: 2 });
    expect(await resolve(run, 'HF_TOKEN')).toMatchObject({ HF_TOKEN: expect.any(String) });
    const wrong: [string, ForRun, string[]][] = [
      ['does not name OTHER', run, ['OTHER']],
      ['does not name OTHER', run, ['HF_TOKEN', 'OTHER']],
      ['of other people', { ...run, user_id: 8 }, ['HF_TOKEN']],
      ['of other people', { ...run, team_id: 4 }, ['HF_TOKEN']],
      ['of other people', { ...run, org_id: 3 }, ['HF_TOKEN']],
    ];
    for (const [why, asking, names] of wrong)
      await expect(resolve(asking, ...names), why).rejects.toThrow(why);
    const log = await house.service.database.query<{ outcome: string }>(
      'select outcome from access_log where job_id = $1 order by id',
      [run.job_id],
    );
    expect(log.map(({ outcome }) => outcome)).toEqual(['released', ...Array<string>(6).fill('refused')]);
    await vi.waitFor(() =>
      expect(
        house.peer
          .events(auditRecorded)
          .map(({ data }) => data)
          .filter(({ action, target }) => action === 'secret.refused' && target === `job/${run.job_id}`),
      ).toHaveLength(wrong.length),
    );
    expect(
      (await house.metric('lineclear_secrets_resolves_total'))['unknown refused'],
    ).toBeGreaterThanOrEqual(6);
  });

  it('as soon as its claim is heard of, and until then nobody says that there are none', async () => {
    const jobId = newJobId();
    const early = resolve({ purpose: 'run', job_id: jobId, attempt: 1, user_id: 7 }, 'HF_TOKEN');
    await claimRun(house.peer, ['HF_TOKEN'], { job_id: jobId, user_id: 7 });
    expect(await early).toMatchObject({ HF_TOKEN: expect.any(String) });
    await expect(
      resolve({ purpose: 'run', job_id: newJobId(), attempt: 1, user_id: 7 }, 'HF_TOKEN'),
    ).rejects.toThrow('nothing was heard yet of a claim');
    // Another attempt is another claim.
    await expect(
      resolve({ purpose: 'run', job_id: jobId, attempt: 2, user_id: 7 }, 'HF_TOKEN'),
    ).rejects.toThrow('attempt 2');
  });

  it('of the versions it was given first, whatever is set meanwhile, and its next attempt of the new ones', async () => {
    await setHf('first');
    const run = await claimRun(house.peer, ['HF_TOKEN'], { user_id: 7 });
    expect(await resolve(run, 'HF_TOKEN')).toEqual({ HF_TOKEN: 'first' });
    await setHf('second');
    expect(await resolve(run, 'HF_TOKEN')).toEqual({ HF_TOKEN: 'first' });
    await house.admin.delete('/api/secrets/HF_TOKEN');
    expect(await resolve(run, 'HF_TOKEN')).toEqual(['HF_TOKEN']);
    await setHf('third');
    expect(await resolve(run, 'HF_TOKEN')).toEqual({ HF_TOKEN: 'first' });
    const again = await claimRun(house.peer, ['HF_TOKEN'], { ...run, attempt: 2 });
    expect(await resolve(again, 'HF_TOKEN')).toEqual({ HF_TOKEN: 'third' });
    // The end of this one is told to nobody: the next one is.
    await expect(resolve(run, 'HF_TOKEN')).rejects.toThrow('the attempt ended on');
  });

  it.each(['completed', 'failed', 'cancelled'] as const)('until its job has %s', async (as) => {
    const run = await claimRun(house.peer, ['HF_TOKEN'], { user_id: 7 });
    await resolve(run, 'HF_TOKEN');
    await endJob(house.peer, run, { as });
    await vi.waitFor(async () =>
      expect(await rows('grants', run.job_id)).toMatchObject([{ ended_at: expect.any(Date) }]),
    );
    await expect(resolve(run, 'HF_TOKEN')).rejects.toThrow('the attempt ended on');
    // Told twice, and claimed once more by a late reminder: it stays ended.
    await endJob(house.peer, run, { as });
    await claimRun(house.peer, ['HF_TOKEN'], run);
    await settled();
    await expect(resolve(run, 'HF_TOKEN')).rejects.toThrow('the attempt ended on');
  });

  it('never when the end of its job was heard of before its claim', async () => {
    const run: ForRun = { purpose: 'run', job_id: newJobId(), attempt: 1, user_id: 7 };
    await endJob(house.peer, run);
    await vi.waitFor(async () => expect(await rows('claims', run.job_id)).toHaveLength(1));
    await claimRun(house.peer, ['HF_TOKEN'], run);
    await settled();
    await expect(resolve(run, 'HF_TOKEN')).rejects.toThrow('the attempt ended on');
  });
});

it('keeps nothing of jobs that name no secrets', async () => {
  const none = await claimRun(house.peer, [], { user_id: 7 });
  await endJob(house.peer, none, { provider: 'open', names: false });
  const cancelled: ForRun = { purpose: 'run', job_id: newJobId(), attempt: 0, user_id: 7 };
  await endJob(house.peer, cancelled, { as: 'cancelled' });
  await settled();
  for (const { job_id } of [none, cancelled]) expect(await rows('claims', job_id)).toEqual([]);
});

describe('a rotated credential', () => {
  it('is kept for the runs that have it, and no longer than the last of them', async () => {
    const { http: ada, userId } = house.person('researcher');
    const id = await keep(ada, 'v1');
    const rotate = (value: string) => ada.post(`/api/users/me/credentials/${id}/rotate`, { value });
    // Nobody has it: there is nobody to keep it for.
    expect((await rotate('v2')).body).toEqual({ id, version: 2, checked: 'not_checked' });
    const [one, two] = [job({ user_id: userId }), job({ user_id: userId })];
    for (const run of [one, two]) expect(await house.credential('cloud', run)).toMatchObject({ value: 'v2' });
    expect((await rotate('v3')).body).toMatchObject({ version: 3, previous_version: 2 });
    await endJob(house.peer, one, { names: false });
    await vi.waitFor(async () =>
      expect(await rows('grants', one.job_id)).toMatchObject([{ ended_at: expect.any(Date) }]),
    );
    expect(await house.credential('cloud', two)).toMatchObject({ value: 'v2' });
    expect((await ada.get('/api/users/me/credentials')).body.credentials).toMatchObject([
      { previous_version: 2 },
    ]);
    await endJob(house.peer, two, { names: false });
    await vi.waitFor(async () =>
      expect((await ada.get('/api/users/me/credentials')).body.credentials[0]).not.toHaveProperty(
        'previous_version',
      ),
    );
  });
});

describe('it is told', () => {
  it('which secrets a job was given, whose and which, to who may see the job', async () => {
    const [own, mate] = [
      house.person('researcher', { org: { id: 61, slug: 'o' } }),
      house.as('researcher', { org: { id: 61, slug: 'o' } }),
    ];
    await own.http.post('/api/secrets', { name: 'MINE', value: 'canary-of-mine', scope: 'user' });
    const people = { user_id: own.userId, org_id: 61 };
    const run = await claimRun(house.peer, ['MINE', 'OTHER'], people);
    await resolve(run, 'MINE', 'OTHER');
    await house.credential('cloud', { ...people, job_id: run.job_id, attempt: 1 });
    const path = `/api/secrets/-/jobs/${run.job_id}`;
    const shown = await own.http.get(path);
    const given = { attempt: 1, source: 'store', version: 1, granted_at: expect.any(String) };
    expect(shown.body).toEqual({
      job_id: run.job_id,
      user_id: own.userId,
      claims: [{ attempt: 1, names: ['MINE', 'OTHER'] }],
      secrets: [
        { ...given, name: 'MINE', purpose: 'run', scope: 'user' },
        { ...given, name: 'OTHER', purpose: 'run', scope: 'global' },
        { ...given, name: NAME, purpose: 'provider', scope: 'global' },
      ],
    });
    expect(JSON.stringify(shown.body)).not.toContain('canary');
    expect((await house.as('lead', { org: { id: 61, slug: 'o' } }).get(path)).status).toBe(200);
    expect((await house.admin.get(path)).status).toBe(200);
    for (const other of [
      mate,
      house.as('lead', { org: { id: 62, slug: 'p' } }),
      house.as('researcher'),
      house.as('lead'),
    ])
      expect((await other.get(path)).status).toBe(404);
    expect((await house.admin.get(`/api/secrets/-/jobs/${newJobId()}`)).status).toBe(404);
    expect((await house.admin.get('/api/secrets/-/jobs/job_1')).status).toBe(400);
    await endJob(house.peer, run);
    await vi.waitFor(async () =>
      expect((await own.http.get(path)).body.secrets).toMatchObject(
        Array(3).fill({ ended_at: expect.any(String) }),
      ),
    );
  });

  it('which jobs under way have a secret, and which version, to who may take it away', async () => {
    await house.admin.post('/api/secrets', { name: 'HELD', value: '1' });
    const [old, gone] = [
      await claimRun(house.peer, ['HELD'], { user_id: 7 }),
      await claimRun(house.peer, ['HELD'], { user_id: 8 }),
    ];
    for (const run of [old, gone]) await resolve(run, 'HELD');
    await house.admin.post('/api/secrets', { name: 'HELD', value: '2' });
    const fresh = await claimRun(house.peer, ['HELD'], { user_id: 9 });
    await resolve(fresh, 'HELD');
    await endJob(house.peer, gone);
    await vi.waitFor(async () =>
      expect((await house.admin.get('/api/secrets/HELD/holders')).body.total).toBe(2),
    );
    const { body } = await house.admin.get('/api/secrets/HELD/holders');
    const given = { attempt: 1, purpose: 'run', source: 'store', granted_at: expect.any(String) };
    expect(body).toEqual({
      name: 'HELD',
      current_version: 2,
      total: 2,
      holders: [
        { ...given, job_id: old.job_id, user_id: 7, version: 1, is_current: false },
        { ...given, job_id: fresh.job_id, user_id: 9, version: 2, is_current: true },
      ],
    });
    expect((await house.admin.get('/api/secrets/NO_SUCH/holders')).status).toBe(404);
    expect((await house.as('lead').get('/api/secrets/HELD/holders')).status).toBe(403);
    const member = house.as('researcher', { org: { id: 61, slug: 'o' } });
    expect((await member.get('/api/secrets/HELD/holders?scope=org')).status).toBe(403);
    expect((await member.get('/api/secrets/HELD/holders?scope=org&org=62')).status).toBe(404);
  });
});
