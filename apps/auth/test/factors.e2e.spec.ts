import { principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Client } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PASSWORD, withHeaders } from './auth-house.js';
import { BY_PASSWORD, FACTORS, LOGIN, openFactorHouse, type FactorHouse } from './factor-house.js';

let house: FactorHouse;
const TOTP = `${FACTORS}/totp`;
const CODES = `${FACTORS}/recovery-codes`;
const PASSKEYS = `${FACTORS}/passkeys`;

beforeAll(async () => {
  house = await openFactorHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const remove = (http: Client, path: string, body: object = BY_PASSWORD) => http.delete(path, {}, body);
const login = (username: string) => house.anonymous.post(LOGIN, { username, password: PASSWORD });

describe('an authenticator app', () => {
  it('counts when it has shown a code, and brings ten recovery codes; its secret is sealed', async () => {
    const { http, username } = await house.someone();
    expect((await http.get(FACTORS)).body).toEqual({ totp: null, passkeys: [], recovery_codes_left: 0 });
    const begun = await http.post(TOTP, BY_PASSWORD);
    expect(begun.status).toBe(200);
    expect(begun.headers.get('cache-control')).toBe('no-store');
    const { secret, otpauth_uri, expires_at } = begun.body;
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(otpauth_uri).toContain(`otpauth://totp/Lineclear:${username}?`);
    expect(otpauth_uri).toContain(`secret=${secret}`);
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(590_000);
    expect((await http.get(FACTORS)).body.totp).toBeNull();
    expect((await login(username)).body).toHaveProperty('csrf_token');

    const confirmed = await http.post(`${TOTP}/confirm`, { code: house.code(secret) });
    expect(confirmed.body).toEqual({ success: true, recovery_codes: expect.any(Array) });
    expect(confirmed.headers.get('cache-control')).toBe('no-store');
    expect((await http.get(FACTORS)).body).toEqual({
      totp: { confirmed_at: expect.any(String) },
      passkeys: [],
      recovery_codes_left: 10,
    });
    expect((await login(username)).body).toHaveProperty('second_factor');
    const [row] = await house.service.database.query<{ all: string; bytes: Buffer }>(
      'select to_jsonb(t)::text as all, sealed_secret as bytes from totp_factors t order by confirmed_at desc limit 1',
    );
    expect(row?.all).not.toContain(secret);
    expect(row?.bytes.includes(secret)).toBe(false);
  });

  it('is confirmed in ten minutes, with the secret that was shown last, and once', async () => {
    const { http } = await house.someone();
    const first = (await http.post(TOTP, BY_PASSWORD)).body.secret;
    const second = (await http.post(TOTP, BY_PASSWORD)).body.secret;
    const confirm = (code: string) => http.post(`${TOTP}/confirm`, { code });
    expectProblem(await confirm(house.code(first)), 'the first secret', 'code');
    expect((await confirm(house.code(second))).status).toBe(200);
    expect((await confirm(house.nextCode(second))).status).toBe(409);
    expect((await http.post(TOTP, BY_PASSWORD)).status).toBe(409);

    const late = await house.someone();
    const { secret } = (await late.http.post(TOTP, BY_PASSWORD)).body;
    house.clock.laterMs += 600_001;
    expect((await late.http.post(`${TOTP}/confirm`, { code: house.code(secret) })).status).toBe(409);
  });

  it('is confirmed by one of many at once', async () => {
    const { http } = await house.someone();
    const { secret } = (await http.post(TOTP, BY_PASSWORD)).body;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => http.post(`${TOTP}/confirm`, { code: house.code(secret) })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await http.get(FACTORS)).body.recovery_codes_left).toBe(10);
  });

  it('goes with a proof, and the recovery codes go with the last factor', async () => {
    const { http, username, secret, ...person } = await house.withTotp();
    const added = await house.addPasskey({ http, ...person });
    expect(added.status).toBe(201);
    // The codes of the first factor stay good.
    expect(added.body).not.toHaveProperty('recovery_codes');
    expect((await remove(http, TOTP, { code: house.nextCode(secret) })).body).toEqual({ success: true });
    expect((await remove(http, TOTP)).status).toBe(404);
    expect((await http.get(FACTORS)).body).toMatchObject({ totp: null, recovery_codes_left: 10 });
    expect((await login(username)).body.second_factor.kinds).toEqual(['passkey', 'recovery_code']);
    expect((await remove(http, `${PASSKEYS}/${added.body.passkey.id}`)).status).toBe(200);
    expect((await http.get(FACTORS)).body).toEqual({ totp: null, passkeys: [], recovery_codes_left: 0 });
    expect((await login(username)).body).toHaveProperty('csrf_token');
  });
});

it('makes new recovery codes, and the old ones are void', async () => {
  const { http, username, recoveryCodes } = await house.withTotp();
  const answer = await http.post(CODES, BY_PASSWORD);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.body.recovery_codes).toHaveLength(10);
  const use = async (code: string) =>
    house.finish({ ticket: await house.ticket(username), recovery_code: code });
  expect((await use(recoveryCodes[0]!)).status).toBe(401);
  expect((await use(answer.body.recovery_codes[0])).status).toBe(200);
  const plain = await house.someone();
  expect((await plain.http.post(CODES, BY_PASSWORD)).status).toBe(409);
});

describe('a change of factors', () => {
  const changes: readonly [name: string, (http: Client, proof: object) => ReturnType<Client['post']>][] = [
    ['begin with an app', (http, proof) => http.post(TOTP, proof)],
    ['remove the app', (http, proof) => remove(http, TOTP, proof)],
    ['make new codes', (http, proof) => http.post(CODES, proof)],
    ['ask for a passkey', (http, proof) => http.post(`${PASSKEYS}/options`, proof)],
    ['remove a passkey', (http, proof) => remove(http, `${PASSKEYS}/1`, proof)],
  ];

  it.each(changes)('needs a right proof of who is in a session: %s', async (_, change) => {
    const { http, byKey, cookie } = await house.withTotp();
    const before = await house.rows();
    expect((await change(house.anonymous, BY_PASSWORD)).status).toBe(401);
    expect((await change(byKey, BY_PASSWORD)).status).toBe(403);
    expect((await change(withHeaders(house.anonymous, { cookie }), BY_PASSWORD)).status).toBe(403);
    expectProblem(await change(http, {}), 'no proof', 'current_password');
    expectProblem(await change(http, { current_password: '' }), 'an empty one', 'current_password');
    expectProblem(await change(http, { ...BY_PASSWORD, code: '123456' }), 'two', 'current_password');
    expectProblem(await change(http, { ...BY_PASSWORD, no_such_field: 1 }), 'unknown', 'no_such_field');
    expectProblem(await change(http, { code: 'x' }), 'no code', 'code');
    expectProblem(await change(http, { recovery_code: 'x' }), 'no recovery code', 'recovery_code');
    expectProblem(await change(http, { passkey: 'x' }), 'no passkey', 'passkey');
    expect(await house.rows()).toEqual(before);
    expectProblem(await change(http, { current_password: 'wrong' }), 'wrong', 'current_password');
    expectProblem(await change(http, { recovery_code: 'aaaa-aaaa-aaaa-aaaa' }), 'wrong', 'recovery_code');
  });

  it('counts wrong proofs as a login does', async () => {
    const { http, username } = await house.withTotp();
    for (let n = 1; n <= 5; n += 1)
      expect((await remove(http, TOTP, { recovery_code: 'aaaa-aaaa-aaaa-aaaa' })).status).toBe(400);
    expect((await remove(http, TOTP)).status).toBe(429);
    expect((await login(username)).status).toBe(429);
    expect((await http.get(FACTORS)).body.totp).not.toBeNull();
  });

  it('takes a code or a recovery code in the place of the password, each once', async () => {
    const { http, secret, recoveryCodes } = await house.withTotp();
    const code = house.nextCode(secret);
    const renewed = await http.post(CODES, { code });
    expect(renewed.status).toBe(200);
    expectProblem(await http.post(CODES, { code }), 'again', 'code');
    expectProblem(await http.post(CODES, { recovery_code: recoveryCodes[0] }), 'void', 'recovery_code');
    const [mine] = renewed.body.recovery_codes;
    expect((await http.post(CODES, { recovery_code: mine })).status).toBe(200);
  });

  it('lets a key see them and not confirm, add or rename', async () => {
    const { byKey, passkeyId, authenticator, http } = await house.withPasskey();
    expect((await byKey.get(FACTORS)).body.passkeys).toHaveLength(1);
    expect((await byKey.post(`${TOTP}/confirm`, { code: '123456' })).status).toBe(403);
    expect((await byKey.patch(`${PASSKEYS}/${passkeyId}`, { name: 'mine' })).status).toBe(403);
    const options = await http.post(`${PASSKEYS}/options`, BY_PASSWORD);
    const add = { name: 'mine', response: authenticator.create(options.body) };
    expect((await byKey.post(PASSKEYS, add)).status).toBe(403);
    expect((await house.anonymous.get(FACTORS)).status).toBe(401);
  });
});

it('refuses bad input and writes nothing', async () => {
  const { http } = await house.withTotp();
  const before = await house.rows();
  await refusesBadInput(http.post, TOTP, BY_PASSWORD, [
    ['current_password', { current_password: 'x'.repeat(257) }],
    ['passkey.type', { passkey: { id: 'a', rawId: 'a', type: 'password', response: {} } }],
  ]);
  await refusesBadInput(http.post, CODES, BY_PASSWORD, []);
  await refusesBadInput(http.post, `${PASSKEYS}/options`, BY_PASSWORD, []);
  await refusesBadInput(http.post, `${TOTP}/confirm`, { code: '123456' }, [
    ['code', {}],
    ['code', { code: '1234567' }],
  ]);
  for (const id of ['0', 'x', '2147483648']) expectProblem(await remove(http, `${PASSKEYS}/${id}`), id, 'id');
  expect(await house.rows()).toEqual(before);
});

describe('for a person who has lost theirs', () => {
  const ofUser = (id: number): string => `/api/users/${id}/factors`;

  it('removes all of them, and ends the sessions', async () => {
    const { id, username, http, ...person } = await house.withTotp('lead');
    await house.addPasskey({ http, ...person });
    const told = () => house.peer.events(principalChanged).filter(({ data }) => data.user_id === id).length;
    const before = told();
    expect((await house.admin.delete(ofUser(id))).body).toEqual({ success: true });
    await vi.waitFor(() => expect(told()).toBe(before + 1));
    expect((await http.get(FACTORS)).status).toBe(401);
    const { http: again } = await house.login(username);
    expect((await again.get(FACTORS)).body).toEqual({ totp: null, passkeys: [], recovery_codes_left: 0 });
  });

  it('is for those who look after people, never beyond their rights, nor for oneself', async () => {
    const { id, byKey } = await house.withTotp('lead');
    const made = await house.admin.post('/api/auth/api-keys', {
      name: 'narrow',
      scoped_permissions: ['admin.users'],
    });
    const before = await house.rows();
    expect((await house.key(made.body.key).delete(ofUser(id))).status).toBe(403);
    expect((await byKey.delete(ofUser(house.adminId))).status).toBe(403);
    expect((await house.anonymous.delete(ofUser(id))).status).toBe(401);
    expect((await house.admin.delete(ofUser(house.adminId))).status).toBe(409);
    expect((await house.admin.delete(ofUser(2_147_483_647))).status).toBe(404);
    expectProblem(await house.admin.delete('/api/users/x/factors'), 'x', 'id');
    expect(await house.rows()).toEqual(before);
  });
});
