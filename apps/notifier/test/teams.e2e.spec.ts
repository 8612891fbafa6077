import { randomUUID } from 'node:crypto';
import {
  approvalGranted,
  approvalRequired,
  auditRecorded,
  jobCompleted,
  providerError,
} from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { aboutJob, completed, newJobId, openHouse, removeChannels, webhookFor, type House } from './house.js';

const BASE = '/api/cloud/notifications';
const PREFERENCES = `${BASE}/preferences`;
const PATIENT = { timeout: 20_000 };
const VISION = 5;
const NLP = 6;
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());
beforeEach(async () => {
  await removeChannels(house);
});

interface Came {
  /** The channels that were told. */
  readonly told: number[];
  readonly skipped: { readonly channel_id?: number; readonly reason: string; readonly silence_id?: number }[];
}
const cameOf = (eventId: string): Promise<Came> =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    const told = (body.deliveries as { channel_id: number }[]).map(({ channel_id }) => channel_id);
    return { told: told.toSorted((a, b) => a - b), skipped: body.skipped };
  }, PATIENT);
const done = async (team_id?: number): Promise<Came> =>
  cameOf(await house.peer.publish(jobCompleted, { ...completed(newJobId()), ...(team_id && { team_id }) }));

it('tells of the jobs of the team that a preference names alone, and says of others why not', async () => {
  const vision = await webhookFor(house, '/vision', 'job.*', { team_id: VISION });
  const nlp = await webhookFor(house, '/nlp', '*', { team_id: NLP });
  const all = await webhookFor(house, '/all', 'job.completed');
  const other = (id: number) => ({ channel_id: id, reason: 'other_team' });
  for (const [team, told, not] of [
    [VISION, [vision.id, all.id], [nlp.id]],
    [NLP, [nlp.id, all.id], [vision.id]],
    [7, [all.id], [vision.id, nlp.id]],
    [undefined, [all.id], [vision.id, nlp.id]],
  ] as const) {
    const came = await done(team);
    expect(came.told, String(team)).toEqual(told.toSorted((a, b) => a - b));
    expect(came.skipped).toEqual(expect.arrayContaining(not.map(other)));
    for (const id of told)
      expect(came.skipped).not.toContainEqual(expect.objectContaining({ channel_id: id }));
  }
  // What is about no job is about no team.
  const error = await cameOf(
    await house.peer.publish(providerError, { provider: 'local', message: 'HTTP 500' }),
  );
  expect(error).toMatchObject({ told: [], skipped: expect.arrayContaining([other(nlp.id)]) });
});

it('holds for what is asked of approvers and what they decide', async () => {
  const { id } = await webhookFor(house, '/asked', 'approval.*', { team_id: VISION });
  const asked = (team_id: number) => ({
    ...aboutJob(newJobId()),
    team_id,
    approval_id: randomUUID(),
    rule_id: 1,
    rule_name: 'high_cost',
    reason: 'dear',
    required_level: 'lead' as const,
    expires_at: '2026-11-29T12:00:00.000Z',
    hardware: 'gpu',
    estimated_cost_usd: 9,
  });
  const granted = (team_id: number) => {
    const { approval_id, job_id } = asked(team_id);
    const decision = { by_user_id: 2, by: 'lea', via: 'api' as const, at: '2026-11-28T12:00:00.000Z' };
    return { approval_id, job_id, team_id, ...decision };
  };
  for (const [team, told] of [
    [VISION, [id]],
    [NLP, []],
  ] as const)
    for (const eventId of [
      await house.peer.publish(approvalRequired, asked(team)),
      await house.peer.publish(approvalGranted, granted(team)),
    ])
      expect((await cameOf(eventId)).told).toEqual(told);
});

it('tells a channel once that wants all and its team', async () => {
  const { id } = await webhookFor(house, '/both', 'job.*');
  await house.admin.post(PREFERENCES, { event_type: 'job.*', channel_id: id, team_id: VISION });
  const came = await done(VISION);
  expect(came.told).toEqual([id]);
  expect(came.skipped).toContainEqual({ channel_id: id, reason: 'duplicate' });
  expect((await done(NLP)).skipped).not.toContainEqual(expect.objectContaining({ channel_id: id }));
});

it('can be changed, and taken back, and is in the audit log', async () => {
  const { id: channel_id } = await webhookFor(house, '/change', 'approval.required');
  const made = await house.admin.post(PREFERENCES, { event_type: 'job.*', channel_id, team_id: VISION });
  expect(made.body).toMatchObject({ team_id: VISION });
  const path = `${PREFERENCES}/${made.body.id}`;
  expect((await done(NLP)).told).toEqual([]);
  expect((await house.admin.patch(path, { team_id: NLP })).body).toMatchObject({ team_id: NLP });
  expect((await done(NLP)).told).toEqual([channel_id]);
  expect((await done(VISION)).told).toEqual([]);
  expect((await house.admin.patch(path, { min_severity: 'debug' })).body).toMatchObject({ team_id: NLP });
  expect((await house.admin.patch(path, { team_id: null })).body).toMatchObject({ team_id: null });
  expect((await done(VISION)).told).toEqual([channel_id]);
  expect((await house.admin.get(path)).body).toMatchObject({ team_id: null });
  await vi.waitFor(() => {
    const entries = house.peer
      .events(auditRecorded)
      .filter(({ data }) => data.target?.endsWith(path.split('/').at(-1)!));
    expect(entries.map(({ data }) => data.details)).toMatchObject([
      { team_id: VISION },
      { team_id: { from: VISION, to: NLP } },
      {},
      { team_id: { from: NLP, to: null } },
    ]);
  }, PATIENT);
});

it('is refused where it is no team, or of events that say none', async () => {
  const { id: channel_id } = await webhookFor(house, '/refused', 'job.*');
  const good = { event_type: 'job.*', channel_id, team_id: VISION };
  await refusesBadInput((path, body) => house.admin.post(path, body), PREFERENCES, good, [
    ['team_id', { ...good, team_id: 0 }],
    ['team_id', { ...good, team_id: 'vision' }],
    ['team_id', { ...good, event_type: 'system.*' }],
    ['team_id', { ...good, event_type: 'auth.new_device' }],
  ]);
  const { body } = await house.admin.post(PREFERENCES, good);
  const refused = await house.admin.patch(`${PREFERENCES}/${body.id}`, { event_type: 'secret.stale' });
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'team_id' }] } });
  expect((await house.admin.get(`${PREFERENCES}/${body.id}`)).body.event_type).toBe('job.*');
});

it('can be silenced without the others', async () => {
  const { id } = await webhookFor(house, '/silenced', 'job.*');
  const { body: silence } = await house.admin.post(`${BASE}/silences`, {
    matchers: { team_id: VISION },
    reason: 'their cluster is down',
    ends_at: new Date(house.clock.now().getTime() + 3_600_000).toISOString(),
  });
  expect(silence.matchers).toEqual({ team_id: VISION });
  const silenced = await done(VISION);
  expect(silenced.told).toEqual([]);
  expect(silenced.skipped).toContainEqual({ channel_id: id, reason: 'silenced', silence_id: silence.id });
  expect([(await done(NLP)).told, (await done()).told]).toEqual([[id], [id]]);
  const zero = await house.admin.post(`${BASE}/silences`, { ...silence, matchers: { team_id: 0 } });
  expect(zero).toMatchObject({ status: 400 });
});
