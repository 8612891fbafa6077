import { client, expectProblem, refusesBadInput, type Answer } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_PASSKEYS } from '../src/domain/second-factor.js';
import { PASSWORD } from './auth-house.js';
import {
  BY_PASSWORD,
  FACTORS,
  LOGIN,
  openFactorHouse,
  ORIGIN,
  replicaOf,
  type FactorHouse,
} from './factor-house.js';
import { SoftwareAuthenticator, type Slip } from './software-authenticator.js';

let house: FactorHouse;
const PASSKEYS = `${FACTORS}/passkeys`;
const ALONE = `${LOGIN}/passkey`;
const SECOND = `${LOGIN}/second-factor`;
const RP_ID = new URL(ORIGIN).hostname;

beforeAll(async () => {
  house = await openFactorHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
  vi.restoreAllMocks();
});

const options = async () => (await house.anonymous.post(`${ALONE}/options`, {})).body;
const enter = (response: object, address = '198.51.100.1') =>
  house.anonymous.post(ALONE, { response }, { 'x-forwarded-for': address });
const cookies = (answer: Answer): number => answer.headers.getSetCookie().length;

describe('a new passkey', () => {
  it('is asked for with a proof, belongs to this house, and brings recovery codes if it is the first factor', async () => {
    const { http, username } = await house.someone();
    const asked = await http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    expect(asked.body).toMatchObject({
      rp: { id: RP_ID, name: 'Lineclear' },
      user: { name: username },
      attestation: 'none',
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    });
    const authenticator = new SoftwareAuthenticator(ORIGIN);
    const response = authenticator.create(asked.body);
    const added = await http.post(PASSKEYS, { name: 'my laptop', response });
    expect(added.status).toBe(201);
    expect(added.headers.get('cache-control')).toBe('no-store');
    const passkey = {
      id: expect.any(Number),
      name: 'my laptop',
      created_at: expect.any(String),
      last_used_at: null,
    };
    expect(added.body).toEqual({ passkey, recovery_codes: expect.any(Array) });
    expect((await http.get(FACTORS)).body).toEqual({
      totp: null,
      passkeys: [passkey],
      recovery_codes_left: 10,
    });
    const again = await http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    expect(again.body.excludeCredentials).toEqual([
      { id: authenticator.credentialId, type: 'public-key', transports: ['internal'] },
    ]);
    const twice = { name: 'again', response: authenticator.create(again.body) };
    expect((await http.post(PASSKEYS, twice)).status).toBe(409);
    expectProblem(await http.post(PASSKEYS, { name: 'again', response }), 'the same answer', 'response');
  });

  it.each<[string, Slip]>([
    ['another origin', { origin: 'https://evil.example.com' }],
    ['another relying party', { rpId: 'evil.example.com' }],
    ['a challenge that nobody gave', { challenge: 'x'.repeat(43) }],
    ['another ceremony', { type: 'webauthn.get' }],
    ['a certificate that was not asked for', { certificate: new Uint8Array(100) }],
  ])('is refused from %s', async (_, slip) => {
    const { http } = await house.someone();
    const asked = await http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    const response = new SoftwareAuthenticator(ORIGIN).create(asked.body, slip);
    expectProblem(await http.post(PASSKEYS, { name: 'bad', response }), 'response', 'response');
    expect((await http.get(FACTORS)).body.passkeys).toEqual([]);
  });

  it('is refused after five minutes, and for a challenge that is somebody else’s or a login’s', async () => {
    const [ann, bob] = [await house.someone(), await house.someone()];
    const make = (challenge: string) => {
      const asked = { challenge, rp: { id: RP_ID }, user: { id: 'YQ' } };
      return { name: 'bad', response: new SoftwareAuthenticator(ORIGIN).create(asked) };
    };
    const ofBob = await bob.http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    expectProblem(await ann.http.post(PASSKEYS, make(ofBob.body.challenge)), 'of bob', 'response');
    const { challenge } = await options();
    expectProblem(await ann.http.post(PASSKEYS, make(challenge)), 'of a login', 'response');
    const late = await ann.http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    house.clock.laterMs = 300_001;
    expectProblem(await ann.http.post(PASSKEYS, make(late.body.challenge)), 'late', 'response');
    expect((await ann.http.get(FACTORS)).body.passkeys).toEqual([]);
  });

  it('is the last of so many', async () => {
    const { id, http, ...person } = await house.withPasskey();
    await house.service.database.query(
      `insert into passkeys (user_id, name, credential_id, public_key, counter, transports, created_at)
       select $1::int, 'old', 'old-' || $1::int || '-' || n, 'x', 0, '{}', now() from generate_series(2, $2::int) as n`,
      [id, MAX_PASSKEYS],
    );
    expect((await house.addPasskey({ http, ...person })).status).toBe(409);
  });

  it('is renamed and removed by who has it', async () => {
    const { http, passkeyId, authenticator } = await house.withPasskey();
    const other = await house.someone('admin');
    const path = `${PASSKEYS}/${passkeyId}`;
    const before = await house.rows();
    expect((await other.http.patch(path, { name: 'mine' })).status).toBe(404);
    expect((await other.http.delete(path, {}, BY_PASSWORD)).status).toBe(404);
    await refusesBadInput(http.patch, path, { name: 'new' }, [
      ['name', { name: '' }],
      ['name', { name: 'n'.repeat(101) }],
      ['name', {}],
    ]);
    expect(await house.rows()).toEqual(before);
    expect((await http.patch(path, { name: 'the old one' })).body).toMatchObject({ name: 'the old one' });
    expect((await http.delete(path, {}, BY_PASSWORD)).body).toEqual({ success: true });
    expect((await enter(authenticator.get(await options()))).status).toBe(401);
  });
});

describe('as a second factor', () => {
  it('lets in with a ticket, and is asked for by what the person has', async () => {
    const { username, authenticator, id, http } = await house.withPasskey();
    const first = await house.anonymous.post(LOGIN, {
      username,
      password: PASSWORD,
    });
    expect(first.body.second_factor.kinds).toEqual(['passkey', 'recovery_code']);
    const { ticket } = first.body.second_factor;
    const asked = await house.anonymous.post(`${SECOND}/options`, { ticket });
    expect(asked.body).toMatchObject({
      rpId: RP_ID,
      allowCredentials: [{ id: authenticator.credentialId }],
      userVerification: 'preferred',
    });
    // A plain security key is enough here: it is touched, and asks for no PIN.
    const passkey = authenticator.get(asked.body, { isVerified: false });
    const answer = await house.replica.post(SECOND, { ticket, passkey });
    expect(answer.body.user.id).toBe(id);
    expect((await http.get(FACTORS)).body.passkeys[0].last_used_at).toEqual(expect.any(String));
    expect((await house.finish({ ticket: await house.ticket(username), passkey })).status).toBe(401);
  });

  it('does not let in with somebody else’s', async () => {
    const [ann, bob] = [await house.withPasskey(), await house.withPasskey()];
    const ticket = await house.ticket(ann.username);
    const asked = await house.anonymous.post(`${SECOND}/options`, { ticket });
    const answer = await house.finish({ ticket, passkey: bob.authenticator.get(asked.body) });
    expect([answer.status, cookies(answer)]).toEqual([401, 0]);
  });

  it('proves who changes factors', async () => {
    const { http, authenticator } = await house.withPasskey();
    const passkey = authenticator.get(await options());
    expect((await http.post(`${FACTORS}/recovery-codes`, { passkey })).status).toBe(200);
    expectProblem(await http.post(`${FACTORS}/recovery-codes`, { passkey }), 'again', 'passkey');
  });
});

describe('without a password', () => {
  it('lets in whose passkey it is, on any replica, and remembers who asks for it', async () => {
    const { id, authenticator } = await house.withPasskey();
    const asked = await house.anonymous.post(`${ALONE}/options`, {});
    expect(asked.headers.get('cache-control')).toBe('no-store');
    expect(asked.body).toMatchObject({ rpId: RP_ID, allowCredentials: [], userVerification: 'required' });
    const response = authenticator.get(asked.body);
    const answer = await house.replica.post(ALONE, { response, remember_me: true });
    expect(answer.body).toMatchObject({ user: { id }, csrf_token: expect.any(String) });
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=2592000');
    const again = await enter(response);
    expect([again.status, cookies(again)]).toEqual([401, 0]);
  });

  it.each<[string, Slip]>([
    ['another origin', { origin: 'https://evil.example.com' }],
    ['the origin without https', { origin: 'http://lineclear.example.com' }],
    ['another relying party', { rpId: 'evil.example.com' }],
    ['a challenge that nobody gave', { challenge: 'x'.repeat(43) }],
    ['a person it has not verified', { isVerified: false }],
    ['another ceremony', { type: 'webauthn.create' }],
    ['another key', { signature: Buffer.alloc(70, 1) }],
    ['another person’s handle', { userHandle: Buffer.from('user/1').toString('base64url') }],
  ])('lets nobody in from %s', async (_, slip) => {
    const { authenticator } = await house.withPasskey();
    const answer = await enter(authenticator.get(await options(), slip), '203.0.113.5');
    expect([answer.status, cookies(answer)]).toEqual([401, 0]);
  });

  it('lets nobody in after five minutes, nor into a closed account, nor with a passkey that is unknown', async () => {
    const { id, authenticator } = await house.withPasskey();
    const late = await options();
    house.clock.laterMs = 300_001;
    expect((await enter(authenticator.get(late))).status).toBe(401);
    expect((await enter(new SoftwareAuthenticator(ORIGIN).get(await options()))).status).toBe(401);
    await house.admin.patch(`/api/users/${id}`, { is_active: false });
    const answer = await enter(authenticator.get(await options()));
    expect([answer.status, cookies(answer)]).toEqual([401, 0]);
  });

  it('lets in one of a few who show one answer, and never two of a hundred', async () => {
    const { authenticator } = await house.withPasskey();
    const enterAtOnce = async (times: number): Promise<number> => {
      const response = authenticator.get(await options());
      const answers = await Promise.all(
        Array.from({ length: times }, (_, n) => enter(response, `192.0.2.${n}`)),
      );
      return answers.filter(({ status }) => status === 200).length;
    };
    expect(await enterAtOnce(5)).toBe(1);
    // So many wrong ones lock the account, and may do so while the right one is still looked at.
    expect(await enterAtOnce(100)).toBeLessThanOrEqual(1);
  });

  it('refuses and notes a passkey whose counter went back; one that does not count is fine', async () => {
    const { authenticator, id } = await house.withPasskey();
    const warn = vi.spyOn(house.service.log, 'warn');
    expect((await enter(authenticator.get(await options(), { counter: 7 }))).status).toBe(200);
    expect((await enter(authenticator.get(await options(), { counter: 7 }))).status).toBe(401);
    expect((await enter(authenticator.get(await options(), { counter: 0 }))).status).toBe(401);
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ user_id: id, counter: 7 }),
      expect.stringContaining('its counter went back'),
    );
    expect((await enter(authenticator.get(await options(), { counter: 8 }))).status).toBe(200);
    const { authenticator: plain } = await house.withPasskey();
    for (let n = 0; n < 2; n += 1)
      expect((await enter(plain.get(await options(), { counter: 0 }))).status).toBe(200);
  });

  it('waits like a password does while the account is locked', async () => {
    const { username, authenticator } = await house.withPasskey();
    for (let n = 1; n <= 5; n += 1)
      await house.anonymous.post(
        LOGIN,
        { username, password: 'wrong' },
        { 'x-forwarded-for': `203.0.113.${n}` },
      );
    expect((await enter(authenticator.get(await options()))).status).toBe(429);
  });
});

it('is made for the name that this machine is asked by, where there is no public one', async () => {
  const { url, service } = await replicaOf(house);
  const local = client(url);
  const asked = await local.post(`${ALONE}/options`, {}, { 'x-forwarded-host': 'localhost:8080' });
  expect(asked.body.rpId).toBe('localhost');
  const named = await local.post(`${ALONE}/options`, {}, { 'x-forwarded-host': 'lineclear.example.com' });
  expect(named.status).toBe(409);
  await service.close();
});

it('refuses bad input and other sites, and writes nothing', async () => {
  const { http, authenticator } = await house.withPasskey();
  const good = authenticator.get(await options()) as { response: object };
  const created = authenticator.create((await http.post(`${PASSKEYS}/options`, BY_PASSWORD)).body);
  const before = await house.rows();
  await refusesBadInput(house.anonymous.post, ALONE, { response: good }, [
    ['response', {}],
    ['response', { response: 'x' }],
    ['response.id', { response: { ...good, id: 'not base64!' } }],
    ['response.rawId', { response: { ...good, rawId: 7 } }],
    ['response.type', { response: { ...good, type: 'password' } }],
    ['response.response', { response: { ...good, response: undefined } }],
    ['response.response.signature', { response: { ...good, response: { ...good.response, signature: '' } } }],
    ['remember_me', { response: good, remember_me: 'yes' }],
  ]);
  await refusesBadInput(house.anonymous.post, `${ALONE}/options`, {}, []);
  await refusesBadInput(http.post, PASSKEYS, { name: 'one', response: created }, [
    ['name', { response: created }],
    ['name', { name: ' ', response: created }],
    ['name', { name: 'line\nbreak', response: created }],
    ['response', { name: 'one' }],
    [
      'response.response.attestationObject',
      { name: 'one', response: { ...created, response: good.response } },
    ],
  ]);
  const foreign = { 'sec-fetch-site': 'cross-site' };
  expect((await house.anonymous.post(ALONE, { response: good }, foreign)).status).toBe(403);
  expect((await house.anonymous.post(`${ALONE}/options`, {}, foreign)).status).toBe(403);
  expect(await house.rows()).toEqual(before);
  for (const junk of [
    'AAAA',
    Buffer.from('null').toString('base64url'),
    Buffer.from('{"challenge":1}').toString('base64url'),
  ]) {
    const response = { ...good, response: { ...good.response, clientDataJSON: junk } };
    expect((await enter(response, '203.0.113.6')).status).toBe(401);
  }
});
