import { auditRecorded, evaluateJobs, jobSubmitted, scanTexts } from '@lineclear/contracts';
import { client, expectProblem, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';

const TOKEN = 'hf_canary_1f2e3d4c';
let house: House;
let ada: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
});
beforeEach(() => {
  house.evaluates();
  house.keepsSecrets([{ value: TOKEN, name: 'HF_TOKEN' }]);
});
afterAll(() => house?.close());

const jobs = async (): Promise<number> => (await house.service.database.query('select 1 from jobs')).length;
const scanned = async (): Promise<Record<string, number>> => {
  const text = String((await client(house.service.url).get('/metrics')).body);
  return Object.fromEntries(
    Array.from(text.matchAll(/^lineclear_submits_scanned_total\{.*outcome="(\w+)".*\} (\d+)$/gm), (found) => [
      found[1],
      Number(found[2]),
    ]),
  ) as Record<string, number>;
};
const run = (text: string) => ({ command: ['sh', '-c', text] });

it.each([
  ['an argument', { config: run(`curl -H ${TOKEN}`) }, 'config.command.2'],
  ['a variable', { config: { command: ['true'], env: { HF_TOKEN: TOKEN } } }, 'config.env.HF_TOKEN'],
  ['a label', { labels: { note: TOKEN } }, 'labels.note'],
  ['where results go', { output_path: `s3://x:${TOKEN}@bucket` }, 'output_path'],
  ['what it is called', { config_name: `run ${TOKEN}` }, 'config_name'],
])('refuses a job that has a secret in %s, and stores nothing of it', async (_, more, field) => {
  const before = await jobs();
  const answer = await house.submit(ada, more);
  expectProblem(answer, 'refused');
  expect(answer.status).toBe(422);
  const message = 'holds the secret HF_TOKEN: name it in `secrets` instead';
  expect(answer.body).toMatchObject({ detail: `${field} ${message}`, errors: [{ path: field, message }] });
  expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
  expect(await jobs()).toBe(before);
});

it('tells the audit log of the refusal, in names alone', async () => {
  await house.submit(ada, { config: { command: ['true'], env: { AUDITED: TOKEN } } });
  await vi.waitFor(() =>
    expect(
      house.peer
        .events(auditRecorded)
        .map(({ data }) => data)
        .find(({ details }) => JSON.stringify(details['fields']) === '["config.env.AUDITED"]'),
    ).toMatchObject({
      action: 'job.submitted',
      outcome: 'refused',
      actor: { username: 'ada' },
      details: { secrets: ['HF_TOKEN'] },
    }),
  );
  const told = [...house.peer.events(auditRecorded), ...house.peer.events(jobSubmitted)];
  expect(JSON.stringify(told)).not.toContain(TOKEN);
  expect(await scanned()).toMatchObject({ leaks: expect.any(Number) });
});

it("names nothing of somebody else's secret", async () => {
  house.keepsSecrets([{ value: TOKEN, name: 'HIS_TOKEN', userId: 999_999 }]);
  const answer = await house.submit(ada, { config: run(TOKEN) });
  expectProblem(answer, 'refused');
  expect(answer.status).toBe(422);
  expect(answer.body.detail).toBe('config.command.2 holds a secret of somebody else');
});

it('repeats no path that holds a secret itself', async () => {
  const answer = await house.submit(ada, { labels: { [TOKEN]: `${TOKEN} again` } });
  expectProblem(answer, 'refused');
  expect(answer.status).toBe(422);
  expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
  expect(answer.body.errors).toContainEqual(expect.objectContaining({ path: 'labels' }));
});

it('tells only of the config where there are too many texts to ask for each, or it is spread over several', async () => {
  const many = { command: Array.from({ length: 200 }, (_, n) => `${TOKEN}${n}`), env: { A: 'one more' } };
  const key = '{"type":"account","id":"0123456789"}';
  const answers = [await house.submit(ada, { config: many })];
  const folk = house.folk.add('researcher');
  house.keepsSecrets([{ value: key, name: 'SERVICE_ACCOUNT' }]);
  answers.push(await house.submit(folk, { labels: JSON.parse(key) as object }));
  expect(answers.map(({ status, body }) => [status, body.errors?.[0]?.path])).toEqual([
    [422, 'config'],
    [422, 'config'],
  ]);
});

it('takes what is clean, asks nothing about a job without long strings, and one question for many submits', async () => {
  const { asked } = house.keepsSecrets([{ value: TOKEN, name: 'HF_TOKEN' }]);
  expect(await house.submit(ada)).toMatchObject({ status: 202, body: { warnings: [] } });
  expect(asked).toEqual([]);
  const before = await jobs();
  const texts = ['echo one more', 'echo two more', TOKEN, 'echo three more'];
  const answers = await Promise.all(texts.map((text) => house.submit(ada, { config: run(text) })));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 422, 202]);
  expect(await jobs()).toBe(before + 3);
  expect(asked.length).toBeLessThan(texts.length + 2);
});

it('does not ask again for a job that is known by its key', async () => {
  const body = { config: run('echo keyed job'), idempotency_key: 'leaks-1' };
  const first = await house.submit(ada, body);
  house.keepsSecrets([{ value: 'echo keyed job', name: 'LATER' }]);
  expect((await house.submit(ada, body)).body.job_id).toBe(first.body.job_id);
});

it('takes a job with a warning while the secrets service is away, or refuses it where that is set', async () => {
  house.peer.stopAnswering(scanTexts);
  const answer = await house.submit(ada, { config: run('echo who looks') });
  expect(answer.status).toBe(202);
  expect(answer.body.warnings).toEqual([
    expect.stringContaining('nobody looked whether the job holds a secret'),
  ]);
  expect(await scanned()).toMatchObject({ not_scanned: expect.any(Number) });

  const strict = await openHouse({ LINECLEAR_SCAN_WHEN_AWAY: 'refuse' });
  try {
    const person = strict.folk.add('researcher');
    strict.peer.stopAnswering(scanTexts);
    strict.peer.stopAnswering(evaluateJobs);
    expect((await strict.submit(person, { config: run('echo who looks') })).status).toBe(503);
    expect(await strict.service.database.query('select 1 from jobs')).toEqual([]);
    expect((await strict.submit(person)).status).toBe(202);
  } finally {
    await strict.close();
  }
});
