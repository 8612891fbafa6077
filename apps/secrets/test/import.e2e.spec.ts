import { auditRecorded, secretChanged } from '@lineclear/contracts';
import type { Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

let house: SecretsHouse;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

const PATH = '/api/secrets/-/import';
const send = (body: object, by: Client = house.admin) => by.post(PATH, body);
const outcomes = (body: { entries: { name: string; outcome: string }[] }): Record<string, string> =>
  Object.fromEntries(body.entries.map(({ name, outcome }) => [name, outcome]));
const TOKEN =
  'gAAAAABpKOYAHjfpM2rPsUHzfP9TMX98o7Y1EROf0w7o5RzaVlqNFnAgv2m7KCDHY-AKJjv84n05VycoACGlUazjZOb24nfMrQ==';

it.each([
  ['dotenv', 'DOTENV_A="of dotenv" # x', 'DOTENV_A', 'of dotenv'],
  ['json', '{"JSON_A": "of json"}', 'JSON_A', 'of json'],
  ['yaml', 'YAML_A: of yaml', 'YAML_A', 'of yaml'],
  ['simpletuner', '{"TUNER_A": "of simpletuner"}', 'TUNER_A', 'of simpletuner'],
  ['runhouse', '{"name": "~/cohere", "values": {"api_key": "of runhouse"}}', 'COHERE_API_KEY', 'of runhouse'],
  ['kubetorch', 'kind: Secret\nmetadata: {name: x}\ndata: {KT_A: b2Yga3ViZXRvcmNo}', 'KT_A', 'of kubetorch'],
])('takes over a file of %s', async (format, content, name, value) => {
  const answer = await send({ format, content });
  expect(answer).toMatchObject({
    status: 200,
    body: { dry_run: false, entries: [{ name, outcome: 'set', version: 1 }] },
  });
  expect(JSON.stringify(answer.body)).not.toContain(value);
  expect(await house.resolve(name)).toMatchObject({ values: { [name]: value } });
});

it("takes over rows of SimpleTuner, plain and encrypted, into a user's own secrets", async () => {
  const row = { user_id: 3, provider: 'replicate', credential_name: 'api_token' };
  const rows = [
    { ...row, credential_value: Buffer.from(TOKEN).toString('base64url'), is_active: 1 },
    { ...row, provider: 'runpod', credential_value: 'rp_plain_value', updated_at: '2020-01-01 00:00:00' },
    { ...row, user_id: 4, credential_value: 'of somebody else' },
  ];
  const body = {
    format: 'simpletuner',
    rows,
    scope: 'user',
    from_user_id: 3,
    credential_key: 'a key of a test',
  };
  const answer = await send(body, house.ada);
  expect(answer.body.entries).toMatchObject([
    { name: 'REPLICATE_API_TOKEN', outcome: 'set' },
    {
      name: 'RUNPOD_API_TOKEN',
      outcome: 'set',
      warnings: [expect.stringContaining('plain text'), expect.stringContaining('90 days')],
    },
  ]);
  const again = await send({ ...body, credential_key: 'another key' }, house.ada);
  expect(again.body.entries).toMatchObject([
    { outcome: 'refused', why: 'does not open with this credential_key' },
    { outcome: 'unchanged' },
  ]);
  const known = await send({ ...body, rows: [{ ...row, credential_value: 'hf_simpletuner' }] }, house.ada);
  expect(known.body.entries).toMatchObject([{ outcome: 'unchanged' }]);
});

it('keeps what is there unless it is told to overwrite, and refuses each that cannot be', async () => {
  await send({ format: 'dotenv', content: 'SAME=value one\nOTHER=value two' });
  const content = 'SAME=value one\nOTHER=value three\nNEW=value four\nEMPTY=\nchannel.1=value five';
  const first = await send({ format: 'dotenv', content });
  expect(outcomes(first.body)).toEqual({
    SAME: 'unchanged',
    OTHER: 'kept',
    NEW: 'set',
    EMPTY: 'refused',
    'channel.1': 'refused',
  });
  expect(await house.resolve('OTHER')).toMatchObject({ values: { OTHER: 'value two' } });
  const second = await send({ format: 'dotenv', content, overwrite: true });
  expect(outcomes(second.body)).toMatchObject({ SAME: 'unchanged', OTHER: 'set', NEW: 'unchanged' });
  expect(await house.resolve('OTHER')).toMatchObject({ values: { OTHER: 'value three' } });
});

it('changes nothing in a dry run, and tells the audit log once of what it did', async () => {
  const content = 'DRY_A=first value\nDRY_B=second value';
  const dry = await send({ format: 'dotenv', content, dry_run: true });
  expect(dry.body).toMatchObject({ dry_run: true, entries: [{ outcome: 'set' }, { outcome: 'set' }] });
  expect(await house.resolve('DRY_A')).toMatchObject({ missing: ['DRY_A'] });
  await send({ format: 'dotenv', content });
  const told = () =>
    house.peer
      .events(auditRecorded)
      .map(({ data }) => data)
      .filter(({ details }) => JSON.stringify(details['names'] ?? '').includes('DRY_A'));
  await vi.waitFor(() => expect(told()).toHaveLength(1));
  expect(told()[0]).toMatchObject({
    action: 'secrets.imported',
    details: { format: 'dotenv', set: 2, kept: 0, refused: 0 },
  });
  expect(house.peer.events(secretChanged).map(({ data }) => data.name)).toContain('DRY_B');
  expect(JSON.stringify(house.peer.events(auditRecorded))).not.toContain('second value');
});

it('sets all of an import or none', async () => {
  const sql = (text: string) => house.service.database.query(text);
  await sql(`create function refuse() returns trigger language plpgsql as $$
    begin if new.name = 'HALF_B' then raise exception 'no'; end if; return new; end $$`);
  await sql('create trigger refuse before insert on secrets for each row execute function refuse()');
  expect((await send({ format: 'dotenv', content: 'HALF_A=value\nHALF_B=value' })).status).toBe(500);
  await sql('drop trigger refuse on secrets');
  expect(await house.resolve('HALF_A')).toMatchObject({ missing: ['HALF_A'] });
});

it('needs the rights that setting a secret needs', async () => {
  const content = 'RIGHTS=value';
  expect((await send({ format: 'dotenv', content }, house.ada)).status).toBe(403);
  expect((await send({ format: 'dotenv', content, scope: 'user' }, house.ada)).status).toBe(200);
  expect((await send({ format: 'dotenv', content, scope: 'user' }, house.as('viewer'))).status).toBe(403);
});

it.each([
  ['another format', { format: 'ini', content: '' }, 'format'],
  ['no content', { format: 'json' }, 'content'],
  ['malformed content', { format: 'json', content: '{"A": "hunter2",}' }, 'content'],
  ['content that is nested without end', { format: 'yaml', content: '['.repeat(100_000) }, 'content'],
  [
    'more than 1,000 secrets',
    { format: 'dotenv', content: Array.from({ length: 1_001 }, (_, n) => `A${n}=1`).join('\n') },
    'content',
  ],
  [
    'rows of another format',
    { format: 'json', rows: [{ user_id: 1, provider: 'a', credential_name: 'b', credential_value: 'c' }] },
    'rows',
  ],
  ['a key without rows', { format: 'json', content: '{}', credential_key: 'hunter2' }, 'credential_key'],
])('refuses %s, naming the field and no value', async (_, body, field) => {
  const answer = await send(body);
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
  expect(JSON.stringify(answer.body)).not.toContain('hunter2');
});

it('refuses more than a mebibyte', async () => {
  expect((await send({ format: 'dotenv', content: 'x'.repeat(1_048_576) })).status).toBe(413);
});

it('waits for no other that brings the same names in another order', async () => {
  for (let round = 0; round < 5; round += 1) {
    const names = Array.from({ length: 40 }, (_, n) => `MANY_${round}_${n}`);
    const content = (order: readonly string[]) =>
      JSON.stringify(Object.fromEntries(order.map((name, n) => [name, `value ${n}`])));
    const answers = await Promise.all(
      [names, names.toReversed(), names].map((order) =>
        send({ format: 'json', content: content(order), overwrite: true }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers[1]!.body.entries.map(({ name }: { name: string }) => name)).toEqual(names.toReversed());
  }
});
