import { pastJobs } from '@lineclear/contracts';
import { client, type Answer, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

let house: House;
let jobs: Record<'acme' | 'globex' | 'none', string>;
let people: Record<'acme' | 'globex' | 'none' | 'staff', Person>;
const ACME = { id: 1, slug: 'acme' };
const GLOBEX = { id: 2, slug: 'globex' };

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  const of = async (org?: typeof ACME): Promise<string> =>
    (await house.submit(folk.add('researcher', org && { org }))).body.job_id as string;
  jobs = { acme: await of(ACME), globex: await of(GLOBEX), none: await of() };
  people = {
    acme: folk.add('lead', { org: ACME }),
    globex: folk.add('lead', { org: GLOBEX }),
    none: folk.add('lead'),
    staff: folk.add('admin', { org: GLOBEX }),
  };
});
afterAll(() => house?.close());

const SEES = [
  ['acme', ['acme']],
  ['globex', ['globex']],
  ['none', ['none']],
  ['staff', ['acme', 'globex', 'none']],
] as const;

describe.each(SEES)('whoever sees all jobs, of %s', (who, seen) => {
  const get = (path: string): Promise<Answer> => client(house.service.url, people[who].token).get(path);
  const ids = (list: { job_id: string }[]): string[] => list.map(({ job_id }) => job_id).sort();

  it(`sees those of ${seen.join(', ')}, and is told of no others`, async () => {
    const expected = seen.map((org) => jobs[org]).sort();
    const { body } = await get('/api/cloud/jobs');
    expect(ids(body.jobs)).toEqual(expected);
    expect(body.total).toBe(expected.length);
    expect(ids((await get('/api/queue')).body.entries)).toEqual(expected);
    const stats = (await get('/api/queue/stats')).body;
    expect(stats.by_user).toHaveLength(expected.length);
    expect(Object.values(stats.by_status as Record<string, number>).reduce((a, b) => a + b, 0)).toBe(
      expected.length,
    );
    for (const [org, id] of Object.entries(jobs)) {
      const status = seen.some((one) => one === org) ? 200 : 404;
      expect((await get(`/api/cloud/jobs/${id}`)).status).toBe(status);
      expect((await get(`/api/cloud/jobs/${id}/timeline`)).status).toBe(status);
    }
  });
});

it('lets nobody cancel what another organisation’s is, with whatever permissions', async () => {
  const canceller = house.folk.add('lead', { org: ACME, permissions: ['job.view.all', 'job.cancel.all'] });
  const http = house.as(canceller);
  for (const id of [jobs.globex, jobs.none]) {
    expect((await http.post(`/api/cloud/jobs/${id}/cancel`)).status).toBe(404);
    expect((await http.post(`/api/queue/${id}/cancel`)).status).toBe(404);
    expect(await house.status(id)).toBe('dispatching');
  }
  expect((await http.post(`/api/cloud/jobs/${jobs.acme}/cancel`)).status).toBe(202);
});

it('tells what rules looked at, page by page, of an organisation alone where it is asked so', async () => {
  const since = new Date(Date.now() - 86_400_000).toISOString();
  const past = async (more: object): Promise<string[]> =>
    (await house.peer.ask(pastJobs, { since, limit: 200, ...more })).jobs.map(({ job_id }) => job_id);
  const all = [jobs.acme, jobs.globex, jobs.none];
  expect(await past({})).toEqual(all);
  expect(await past({ limit: 2 })).toEqual(all.slice(0, 2));
  expect(await past({ after: all[1] })).toEqual(all.slice(2));
  expect(await past({ tenant: ACME.id })).toEqual([jobs.acme]);
  expect(await past({ tenant: null })).toEqual([jobs.none]);
  expect(await past({ since: new Date(Date.now() + 60_000).toISOString() })).toEqual([]);
});
